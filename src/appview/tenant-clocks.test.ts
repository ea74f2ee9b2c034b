import { beforeEach, expect, test } from 'vitest'
import { NOW, appViewDatabase } from '../../test/appview-database.ts'
import type { Job, Outbox } from '../jobs/jobs.ts'
import { verifyAudit } from './audit.ts'
import { planOf } from './plans.ts'
import { type SqlPool, transaction } from './sql.ts'
import { endOfTrials } from './tenant-clocks.ts'

const DAY = 86_400_000
let pool: SqlPool
let queued: Job[]

const outbox: Outbox = {
  transact: (work) => transaction(pool, (tx) => work(tx, async (job) => void queued.push(job))),
}
const passes = (days: number) => {
  const clock = { now: () => new Date(NOW.getTime() + days * DAY) }
  return endOfTrials({ sql: pool, outbox, clock })
}
const statuses = async () => {
  const { rows } = await pool.query<{ id: string; status: string }>(
    'select id, status from node.tenant order by id',
  )
  return rows.map(({ id, status }) => `${id} ${status}`)
}

beforeEach(async () => {
  pool = (await appViewDatabase()).pool
  queued = []
  await pool.query('delete from node.tenant')
  const add = (id: string, status: string, more: { ends?: number; due?: number; pays?: string }) =>
    pool.query(
      `insert into node.tenant (id, did, subdomain, name, owner, "businessType", template, status,
         plan, limits, features, billing, "trialEndsAt", "pastDueSince", "createdBy", "createdAt",
         "updatedAt")
       values ($1, 'did:plc:' || $1, $1, $1, 'did:plc:owner', 'other', 'custom', $2, 'free', $3,
         '{}', $4, $5, $6, 'did:plc:root', $7, $7)`,
      [
        id,
        status,
        JSON.stringify(planOf('free')!.limits),
        JSON.stringify({ paymentStatus: more.pays ?? 'trial' }),
        more.ends === undefined ? null : new Date(NOW.getTime() + more.ends * DAY),
        more.due === undefined ? null : new Date(NOW.getTime() + more.due * DAY),
        NOW,
      ],
    )
  await add('a-tries', 'trial', { ends: 14 })
  await add('b-pays', 'trial', { ends: 14, pays: 'current' })
  await add('c-is-late', 'active', { due: 0, pays: 'past-due' })
})

test('a trial ends after its days: who pays goes on, who does not is suspended', async () => {
  await passes(13.999)
  expect(await statuses()).toEqual(['a-tries trial', 'b-pays trial', 'c-is-late active'])
  expect(queued).toEqual([])
  await passes(14)
  await passes(14)
  expect(await statuses()).toEqual(['a-tries suspended', 'b-pays active', 'c-is-late suspended'])
  expect(queued.map(({ data }) => data['kind'])).toEqual(Array(3).fill('tenantStatusChanged'))
  expect(await verifyAudit(pool, 'did:plc:a-tries')).toEqual({ events: 1 })
})
