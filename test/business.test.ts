import { afterAll, beforeAll, expect, test } from 'vitest'
import { customerOf, nextInSeries } from '../src/appview/business/customers.ts'
import { createSignedLinks } from '../src/appview/business/signed-links.ts'
import { forgetAnswers } from '../src/appview/business/once.ts'
import { type Deciding, createTransact } from '../src/appview/business/transact.ts'
import { verifyAudit } from '../src/appview/audit.ts'
import { customer } from '../src/appview/collections/commerce/customer.ts'
import { tenantMembership } from '../src/appview/collections/platform/tenant-membership.ts'
import { transaction } from '../src/database/sql.ts'
import { TENANT_SPACE, audienceUri, parseAudience } from '../src/permissioned/audience.ts'
import { createAdmission } from '../src/permissioned/store/admission.ts'
import { type BusinessStage, TENANT, businessStage } from './business-stage.ts'

const [BEN, CLEO, STAFF] = ['did:plc:ben', 'did:plc:cleo', 'did:plc:staff'] as const
const by = { actor: BEN, role: 'customer', action: 'test' }

let stage: BusinessStage
beforeAll(async () => {
  stage = await businessStage()
})
afterAll(async () => stage?.[Symbol.asyncDispose]())

const count = async (table: string) =>
  Number((await stage.pool.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]!.n)

const comes = (did: string, once?: { key: string; input: unknown }) =>
  stage.transact(
    { tenant: TENANT, ...(once && { once: { caller: did, method: 'come', ...once } }) },
    async (d) => {
      const { place, writes } = await customerOf(d, { did })
      return { answer: { place, number: await nextInSeries(d, 'come') }, writes, by }
    },
  )

test('a customer has one space, which only they and the staff read', async () => {
  const [first, second] = await Promise.all([comes(BEN), comes(BEN)])
  expect(first.place).toBe(second.place)
  const other = await comes(CLEO)
  expect(other.place).not.toBe(first.place)
  expect(first.place).not.toContain(BEN)
  expect(parseAudience(first.place)).toMatchObject({ authority: TENANT, type: TENANT_SPACE })
  expect((await stage.read('customer', BEN)).map((row) => row['subject'])).toEqual([BEN])
  expect((await stage.read('customer', CLEO)).map((row) => row['subject'])).toEqual([CLEO])
  expect(await stage.read('customer', '')).toEqual([])
  expect(await stage.read('customer', STAFF)).toEqual([])
  await hire(STAFF, 'tenant_manager')
  expect(await stage.read('customer', STAFF)).toHaveLength(2)
  await hire(STAFF, 'tenant_member')
  expect(await stage.read('customer', STAFF)).toEqual([])
})

async function hire(did: string, role: string) {
  const place = audienceUri(TENANT, 'members', TENANT_SPACE)
  await stage.transact({ tenant: TENANT }, async ({ tx, now }) => {
    const record = {
      subject: did,
      role,
      permissions: [],
      status: 'active',
      joinedAt: now.toISOString(),
    }
    await tx.query(
      `insert into repo.admission (authority, subject, role, status, rev)
       values ($1, $2, $3, 'active', '') on conflict (authority, subject)
       do update set role = excluded.role`,
      [TENANT, did, role],
    )
    const write = { place, collection: tenantMembership.nsid, rkey: did, record }
    return { answer: null, writes: [write], by }
  })
}

test('the host of a customer’s space lets that customer and the staff in, and nobody write', async () => {
  const { place } = await comes(BEN)
  const admission = createAdmission(stage)
  await hire(STAFF, 'tenant_manager')
  const reads = (did: string) => admission.allowed(place, did, 'read')
  const writes = (did: string) => admission.allowed(place, did, 'write')
  expect([await reads(BEN), await reads(CLEO), await reads(STAFF)]).toEqual([true, false, true])
  expect([await writes(BEN), await writes(STAFF), await writes(TENANT)]).toEqual([
    false,
    false,
    true,
  ])
  const { members } = await admission.members(place, undefined, 10)
  expect(members).toEqual([
    { did: BEN, read: true, write: false },
    { did: STAFF, read: true, write: false },
  ])
})

test('what stands with one customer is in no other audience, nor the other way round', async () => {
  const place = audienceUri(TENANT, 'staff', TENANT_SPACE)
  const record = { subject: BEN, createdAt: stage.now.toISOString() }
  const write = { place, collection: customer.nsid, rkey: 'x', record }
  const wrong = stage.transact({ tenant: TENANT }, async () => ({ answer: 0, writes: [write], by }))
  await expect(wrong).rejects.toMatchObject({ customErrorName: 'InvalidRecord' })
})

test('a request with a key is carried out once, and another under that key is refused', async () => {
  const before = await count('node."auditEvent"')
  const first = await comes('did:plc:dora', { key: 'k1', input: { a: 1, b: 2 } })
  const again = await comes('did:plc:dora', { key: 'k1', input: { b: 2, a: 1 } })
  expect(again).toEqual(first)
  expect(await count('node."auditEvent"')).toBe(before + 1)
  await expect(comes('did:plc:dora', { key: 'k1', input: { a: 2 } })).rejects.toMatchObject({
    statusCode: 422,
    customErrorName: 'IdempotencyMismatch',
  })
  const other = await comes('did:plc:eve', { key: 'k1', input: { a: 2 } })
  expect(other.number).toBe(first.number + 1)
  stage.now = new Date(stage.now.getTime() + 25 * 3_600_000)
  await forgetAnswers({ sql: stage.pool, clock: { now: () => stage.now } })
  expect((await comes('did:plc:dora', { key: 'k1', input: 3 })).number).toBe(first.number + 2)
})

test('what fails leaves nothing, no number and no record, and those beside it are not hindered', async () => {
  const start = (await comes(BEN)).number
  const [customers, queued] = [await count('repo.customer'), stage.jobs.length]
  const asks = Array.from({ length: 40 }, (_, n) =>
    stage.transact({ tenant: TENANT }, async (d) => {
      const { writes } = await customerOf(d, { did: `did:plc:n${n}` })
      const number = await nextInSeries(d, 'come')
      const jobs = [{ queue: 'told', data: {}, key: `n${n}` }]
      if (n % 4 === 0) throw new Error('no')
      if (n % 4 === 1) await d.tx.query('select 1 / 0')
      return { answer: number, writes, jobs, by }
    }),
  )
  const done = await Promise.allSettled(asks)
  const numbers = done.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => start + 1 + n))
  expect(await count('repo.customer')).toBe(customers + 20)
  expect(stage.jobs.length).toBe(queued + 20)
  await stage.tail.drain()
  expect(await count('appview.customer')).toBe(await count('repo.customer'))
  expect(await verifyAudit(stage.pool, TENANT)).not.toHaveProperty('brokenAt')
})

test('a decision sees what those just before it have written, and may write it again', async () => {
  const { key, place } = await stage.transact({ tenant: TENANT }, async (d) => {
    const { writes, ...space } = await customerOf(d, { did: 'did:plc:often' })
    return { answer: space, writes, by }
  })
  const at = { place, collection: customer.nsid, rkey: key }
  const adds = (n: number) =>
    stage.transact({ tenant: TENANT }, async (d) => {
      const { record, cid } = (await d.read(at))!
      const name = `${(record['name'] as string | undefined) ?? ''}${n};`
      return { answer: cid, writes: [{ ...at, record: { ...record, name } }], by }
    })
  const versions = await Promise.all(Array.from({ length: 12 }, (_, n) => adds(n)))
  expect(new Set(versions).size).toBe(12)
  const [row] = await stage.read('customer', 'did:plc:often')
  expect((row!['content'] as { name: string }).name.split(';')).toHaveLength(13)
  const { rows } = await stage.pool.query(`select 1 from node."auditEvent" where subject like $1`, [
    `%${key}`,
  ])
  expect(rows).toHaveLength(13)
})

test('one decision may write more than one batch of a repo holds', async () => {
  const place = audienceUri(TENANT, 'members', TENANT_SPACE)
  const writes = Array.from({ length: 450 }, (_, n) => {
    const subject = `did:plc:many${n}`
    const record = {
      subject,
      role: 'tenant_member',
      permissions: [],
      status: 'active',
      joinedAt: stage.now.toISOString(),
    }
    return { place, collection: tenantMembership.nsid, rkey: subject, record }
  })
  await stage.transact({ tenant: TENANT }, async () => ({ answer: 0, writes, by }))
  const { rows } = await stage.pool.query(
    `select 1 from appview."tenantMembership" where subject like 'did:plc:many%'`,
  )
  expect(rows).toHaveLength(450)
})

test('a record that cannot be stored is the failure of who decided it, and of nobody beside', async () => {
  const place = audienceUri(TENANT, 'members', TENANT_SPACE)
  const tries = Array.from({ length: 8 }, (_, n) =>
    stage.transact({ tenant: TENANT }, async (d) => {
      const { writes } = await customerOf(d, { did: `did:plc:beside${n}` })
      const bad = { place, collection: 'not a collection', rkey: 'x', record: undefined }
      return { answer: n, writes: n === 3 ? [bad] : writes, by }
    }),
  )
  const done = await Promise.allSettled(tries)
  expect(done.map(({ status }) => status === 'fulfilled')).toEqual(
    Array.from({ length: 8 }, (_, n) => n !== 3),
  )
})

test('two processes on one database take turns', async () => {
  const other = createTransact({
    outbox: { transact: (work) => transaction(stage.pool, (tx) => work(tx, async () => {})) },
    together: stage.store,
    progress: { advance: () => {}, reached: async () => true },
    clock: { now: () => stage.now },
    nextTid: () => '3m6bkl2222222',
  })
  const count = (transact: typeof other) =>
    transact({ tenant: TENANT }, async (d: Deciding) => {
      const { rows } = await d.tx.query<{ last: string }>(
        `select last from repo.series where series = 'come'`,
      )
      const last = Number(rows[0]!.last) + 1
      await d.tx.query(`update repo.series set last = $1 where series = 'come'`, [last])
      return { answer: last, writes: [], by }
    })
  const all = Array.from({ length: 40 }, (_, n) => count(n % 2 ? other : stage.transact))
  expect(new Set(await Promise.all(all)).size).toBe(40)
})

test('a signed link is good for what it was made for, until it ends', () => {
  const links = createSignedLinks('secret')
  const until = new Date('2026-11-24T12:00:00Z')
  const token = links.sign({ purpose: 'cancel', subject: 'at://x', until })
  const now = new Date('2026-11-24T11:59:59Z')
  expect(links.read(token, 'cancel', now)).toBe('at://x')
  expect(links.read(token, 'pay', now)).toBeUndefined()
  expect(links.read(token, 'cancel', until)).toBeUndefined()
  expect(createSignedLinks('other').read(token, 'cancel', now)).toBeUndefined()
  const [body, signature] = token.split('.') as [string, string]
  const forged = Buffer.from(JSON.stringify(['cancel', 'at://y', until.getTime()]))
  for (const bad of [`${forged.toString('base64url')}.${signature}`, body, '', `${token}.x`, 'é.é'])
    expect(links.read(bad, 'cancel', now)).toBeUndefined()
})
