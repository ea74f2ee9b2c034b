import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrations } from '../migrations/index.ts'
import { migrate } from '../../database/migrate.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import { type TestDatabase, pgliteDatabase } from '../../../test/database/pglite.ts'
import { spaceTables } from '../../../test/space-database.ts'
import { type SqlPool, transaction } from '../sql.ts'
import { OutcomeUnknown, type PaymentProvider } from './payment-provider.ts'
import { type PaymentEffect, forgetOldEvents, receiveWebhook } from './receive-webhook.ts'
import { signEvent } from './sandbox-events.ts'
import { createSandbox } from './sandbox.ts'

const SECRET = 'a secret of the sandbox'
let database: TestDatabase<unknown>
let pool: SqlPool
let now: Date
let jobs: Job[]
let sandbox: PaymentProvider

const outbox: Outbox = {
  transact: (work) => transaction(pool, (tx) => work(tx, async (job) => void jobs.push(job))),
}
const clock = { now: () => now }

beforeAll(async () => {
  database = await pgliteDatabase()
  pool = database.pool as unknown as SqlPool
  await migrate({ db: database.db, schema: 'node', migrations })
  await spaceTables(database)
})
afterAll(async () => database?.close())
beforeEach(async () => {
  now = new Date('2026-11-27T12:00:00Z')
  jobs = []
  sandbox = createSandbox({ sql: pool, outbox, clock, secret: SECRET })
  await pool.query('truncate node."sandboxPayment", node."paymentEvent"')
})

function pay(method: string, more: { key?: string; capture?: boolean; amount?: number } = {}) {
  const { key = method, capture = false, amount = 5_000 } = more
  const wish = { amount, currency: 'EUR', key, method, capture }
  return sandbox.authorize({ ...wish, group: 'order', description: 'ORD-2026-000001' })
}
const later = (ms: number) => (now = new Date(now.getTime() + ms))

test('a payment is authorized, taken, and given back until nothing is left', async () => {
  const { reference, status } = await pay('sandbox')
  expect(status).toBe('authorized')
  await expect(sandbox.refund({ key: 'r0', reference, amount: 1 })).rejects.toMatchObject({
    code: 'WrongState',
  })
  expect(await sandbox.capture({ key: 'c', reference })).toMatchObject({
    status: 'captured',
    captured: 5_000,
    fee: { amount: 145, currency: 'EUR' },
  })
  await sandbox.refund({ key: 'r1', reference, amount: 4_999 })
  await sandbox.refund({ key: 'r1', reference, amount: 4_999 })
  await expect(sandbox.refund({ key: 'r2', reference, amount: 2 })).rejects.toMatchObject({
    code: 'AmountTooLarge',
  })
  await sandbox.refund({ key: 'r2', reference, amount: 1 })
  expect(await sandbox.fetch(reference)).toMatchObject({ refunded: 5_000, refunds: [{}, {}] })
  await expect(sandbox.void({ key: 'v', reference })).rejects.toMatchObject({ code: 'WrongState' })
})

test('the same key is the same payment, and never another amount', async () => {
  const first = await pay('sandbox', { key: 'k', capture: true })
  later(60_000)
  expect(await pay('sandbox', { key: 'k', capture: true })).toEqual(first)
  await expect(pay('sandbox', { key: 'k', amount: 1 })).rejects.toMatchObject({ code: 'KeyReused' })
})

test('what is authorized lapses after seven days, and cannot be taken then', async () => {
  const { reference, expiresAt } = await pay('sandbox')
  expect(expiresAt?.toISOString()).toBe('2026-12-04T12:00:00.000Z')
  later(7 * 86_400_000)
  expect((await sandbox.fetch(reference))?.status).toBe('voided')
  await expect(sandbox.capture({ key: 'c', reference })).rejects.toThrow('voided')
})

test('declines and delays happen by the name of the way to pay', async () => {
  expect(await pay('sandbox-declined')).toMatchObject({ status: 'declined' })
  const delayed = await pay('sandbox-delayed', { capture: true })
  expect(delayed.status).toBe('pending')
  const refused = await pay('sandbox-delayed-declined')
  const capture = await pay('sandbox-capture-declined')
  await expect(sandbox.capture({ key: 'c', reference: capture.reference })).rejects.toMatchObject({
    code: 'Declined',
  })
  later(2_000)
  expect((await sandbox.fetch(delayed.reference))?.status).toBe('captured')
  expect((await sandbox.fetch(refused.reference))?.status).toBe('declined')
  const refund = await pay('sandbox-refund-delayed', { capture: true })
  const wish = { key: 'r', reference: refund.reference, amount: 10 }
  expect((await sandbox.refund(wish)).status).toBe('pending')
  later(2_000)
  expect((await sandbox.refund(wish)).status).toBe('refunded')
})

test('an unknown outcome is known by asking again, whether it was done or not', async () => {
  await expect(pay('sandbox-unknown')).rejects.toThrow(OutcomeUnknown)
  const done = await pay('sandbox-unknown')
  expect(jobs).toHaveLength(1)
  expect((await sandbox.fetch(done.reference))?.status).toBe('authorized')
  await expect(pay('sandbox-lost')).rejects.toThrow(OutcomeUnknown)
  expect(jobs).toHaveLength(1)
  expect((await pay('sandbox-lost')).status).toBe('authorized')
  const paid = await pay('sandbox-refund-unknown', { capture: true })
  const wish = { key: 'r', reference: paid.reference, amount: 10 }
  await expect(sandbox.refund(wish)).rejects.toThrow(OutcomeUnknown)
  expect((await sandbox.refund(wish)).status).toBe('refunded')
  expect((await sandbox.fetch(paid.reference))?.refunded).toBe(10)
})

test('events come more than once, late and out of order where that is asked for', async () => {
  await pay('sandbox-duplicate')
  expect(new Set(jobs.map(({ data }) => data['id'])).size).toBe(1)
  expect(new Set(jobs.map(({ key }) => key)).size).toBe(3)
  jobs = []
  await pay('sandbox-disordered', { capture: true })
  const waits = jobs.map(({ data, afterSeconds }) => [data['type'], afterSeconds])
  expect(waits).toEqual([
    ['payment.authorized', 4],
    ['payment.captured', 0],
  ])
})

const event = { id: 'e1', type: 'payment.captured', reference: 'sandbox_1', key: 'k' }
const receive = (effect: PaymentEffect, request = signEvent(event, { secret: SECRET, now })) =>
  receiveWebhook({ sql: pool, providers: [sandbox], effect, clock }, 'sandbox', request)

test('an event has its effect once, and one that failed comes again', async () => {
  let effects = 0
  const effect: PaymentEffect = async (told, once) => {
    expect(told).toMatchObject({ provider: 'sandbox', reference: 'sandbox_1', key: 'k' })
    await transaction(pool, async (tx) => {
      if (!(await once(tx))) return
      effects++
      if (effects === 1) throw new Error('the process ends here')
    })
  }
  await expect(receive(effect)).rejects.toThrow('ends here')
  expect(await receive(effect)).toEqual({ status: 200, text: 'received' })
  expect(await receive(effect)).toEqual({ status: 200, text: 'known' })
  expect(effects).toBe(2)
})

test('a webhook with a false signature, or too old, has no effect and is not noted', async () => {
  const none: PaymentEffect = () => Promise.reject(new Error('must not be called'))
  const forged = signEvent(event, { secret: 'another', now })
  expect(await receive(none, forged)).toEqual({ status: 400, text: 'BadSignature' })
  const old = signEvent(event, { secret: SECRET, now: new Date(now.getTime() - 300_001) })
  expect(await receive(none, old)).toEqual({ status: 400, text: 'TooOld' })
  const { raw, header } = signEvent(event, { secret: SECRET, now })
  const changed = Buffer.concat([raw, Buffer.from(' ')])
  expect(await receive(none, { raw: changed, header })).toMatchObject({ status: 400 })
  expect((await pool.query('select 1 from node."paymentEvent"')).rows).toEqual([])
})

test('ids of events are kept for more than thirty days', async () => {
  await receive(async () => {})
  later(30 * 86_400_000)
  await forgetOldEvents(pool, now)
  expect((await pool.query('select 1 from node."paymentEvent"')).rows).toHaveLength(1)
  later(6 * 86_400_000)
  await forgetOldEvents(pool, now)
  expect((await pool.query('select 1 from node."paymentEvent"')).rows).toHaveLength(0)
})
