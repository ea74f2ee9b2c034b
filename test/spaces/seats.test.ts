import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrations } from '../../src/appview/migrations/index.ts'
import { planOf } from '../../src/appview/plans.ts'
import { migrate } from '../../src/database/migrate.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { TENANT_SPACE, audienceUri, ensureAudience } from '../../src/permissioned/audience.ts'
import { admissionGuard } from '../../src/permissioned/store/admission.ts'
import { TENANT_MEMBERSHIP, seatGuard } from '../../src/tenant-seats.ts'
import { type NativeDatabase, nativeDatabase } from '../database/native.ts'
import { spaceTables } from '../space-database.ts'
import { clear, errorOf, storeOn, testClock } from './fixture.ts'

const TENANT = 'did:plc:salon'
const OWNER = 'did:plc:owner'
const clock = testClock()
const space = audienceUri(TENANT, 'members', TENANT_SPACE)
let database: NativeDatabase<unknown>
let pool: SqlPool

beforeAll(async () => {
  database = await nativeDatabase()
  pool = await spaceTables(database)
  await migrate({ db: database.db, schema: 'node', migrations })
})
afterAll(() => database?.close())

const guards = [
  seatGuard,
  admissionGuard({ membershipType: TENANT_MEMBERSHIP, spaceType: TENANT_SPACE, clock }),
]
/** As two processes of one node have it. */
const stores = () => [storeOn(pool, { clock, guards }), storeOn(pool, { clock, guards })]

const admits = (subject: string, role = 'tenant_member', status = 'active') => ({
  space,
  did: TENANT,
  writes: [
    {
      action: 'put' as const,
      collection: TENANT_MEMBERSHIP,
      rkey: subject,
      record: { $type: TENANT_MEMBERSHIP, subject, role, status, joinedAt: '2026-11-23T12:00:00Z' },
    },
  ],
})
const active = async () => {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int n from repo.admission where authority = $1 and status = 'active'`,
    [TENANT],
  )
  return rows[0]!.n
}

beforeEach(async () => {
  await clear(pool)
  await pool.query('delete from repo.admission')
  await pool.query('delete from node.tenant')
  await ensureAudience(pool, {
    authority: TENANT,
    audience: 'members',
    type: TENANT_SPACE,
    now: clock.now(),
  })
  await pool.query(
    `insert into node.tenant (id, did, subdomain, name, owner, "businessType", template, status,
       plan, limits, features, billing, "isProvisioned", "createdBy", "createdAt", "updatedAt")
     values ('salon', $1, 'salon', 'Salon', $2, 'salon', 'custom', 'active', 'starter', $3, '{}',
       '{}', true, $2, $4, $4)`,
    [TENANT, OWNER, JSON.stringify(planOf('starter')!.limits), clock.now()],
  )
  await stores()[0]!.applyWrites(admits(OWNER, 'tenant_admin'))
})

test('of a hundred who come for the last seat at once, through two processes, one gets it', async () => {
  const both = stores()
  for (let n = 0; n < 8; n++) await both[0]!.applyWrites(admits(`did:plc:early${n}`))
  const answers = await Promise.all(
    [...Array(100).keys()].map((n) =>
      errorOf(both[n % 2]!.applyWrites(admits(`did:plc:late${n}`))),
    ),
  )
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(1)
  expect(new Set(answers)).toEqual(new Set([undefined, 'LimitExceeded']))
  expect(await active()).toBe(10)
})

test('a seat is free again when somebody is suspended, and who is in stays when the plan shrinks', async () => {
  const [store] = stores()
  for (let n = 0; n < 9; n++) await store!.applyWrites(admits(`did:plc:m${n}`))
  const next = () => errorOf(store!.applyWrites(admits('did:plc:next')))
  expect(await next()).toBe('LimitExceeded')
  await store!.applyWrites(admits('did:plc:m0', 'tenant_member', 'suspended'))
  expect(await next()).toBeUndefined()
  await pool.query(`update node.tenant set limits = limits || '{"users": 5}'`)
  expect(await errorOf(store!.applyWrites(admits('did:plc:m1', 'tenant_manager')))).toBe(undefined)
  expect(await errorOf(store!.applyWrites(admits('did:plc:m0')))).toBe('LimitExceeded')
})

test('administrators who demote each other through two processes leave one', async () => {
  const both = stores()
  for (const who of ['did:plc:x', 'did:plc:y'])
    await both[0]!.applyWrites(admits(who, 'tenant_admin'))
  await pool.query(`update node.tenant set owner = 'did:plc:gone'`)
  await both[0]!.applyWrites(admits(OWNER, 'tenant_member'))
  const answers = await Promise.all(
    ['did:plc:x', 'did:plc:y'].map((who, n) =>
      errorOf(both[n]!.applyWrites(admits(who, 'tenant_member'))),
    ),
  )
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(1)
  expect(answers).toContain('LastAdmin')
})

test('the owner stays an administrator', async () => {
  const [store] = stores()
  await store!.applyWrites(admits('did:plc:x', 'tenant_admin'))
  const demote = store!.applyWrites(admits(OWNER, 'tenant_member'))
  expect(await errorOf(demote)).toBe('OwnerRequired')
})
