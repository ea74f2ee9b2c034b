import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SqlPool } from '../../src/database/sql.ts'
import { admissionGuard, createAdmission } from '../../src/permissioned/admission.ts'
import { audienceUri, ensureAudience } from '../../src/permissioned/audience.ts'
import { isRevoked, rememberCredential, sweepExpired } from '../../src/permissioned/credentials.ts'
import { burySpace, deleteAccount } from '../../src/permissioned/delete-repo.ts'
import { listWriters, noteWriter, orderWriters } from '../../src/permissioned/writers.ts'
import { createTids } from '../../src/tid.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { spaceTables } from '../space-database.ts'
import { clear, storeOn, testClock, write } from './fixture.ts'

const SHOP = 'did:plc:shop'
const MEMBERSHIP = 'com.example.membership'
const [members, staff] = [audienceUri(SHOP, 'members'), audienceUri(SHOP, 'staff')]
const clock = testClock()
let database: TestDatabase<unknown>
let pool: SqlPool
let store: ReturnType<typeof storeOn>
let admission: ReturnType<typeof createAdmission>

beforeAll(async () => {
  database = await pgliteDatabase()
  pool = await spaceTables(database)
})
beforeEach(async () => {
  await clear(pool)
  store = storeOn(pool, { clock, guards: [admissionGuard({ membershipType: MEMBERSHIP, clock })] })
  admission = createAdmission({ pool })
  for (const audience of ['members', 'staff', 'managers'] as const) {
    await ensureAudience(pool, { authority: SHOP, audience, now: clock.now() })
  }
})
afterAll(() => database.close())

const admit = (did: string, role: string, more: object = {}) => {
  const joinedAt = '2026-11-23T12:00:00Z'
  const record = { $type: MEMBERSHIP, subject: did, role, joinedAt, ...more }
  const at = { collection: MEMBERSHIP, rkey: did }
  return store.applyWrites({
    space: members,
    did: SHOP,
    writes: [{ action: 'put', ...at, record }],
  })
}
const remove = (did: string) =>
  store.applyWrites({
    space: members,
    did: SHOP,
    writes: [{ action: 'delete', collection: MEMBERSHIP, rkey: did }],
  })
const may = async (did: string) => ({
  members: [
    await admission.allowed(members, did, 'read'),
    await admission.allowed(members, did, 'write'),
  ],
  staff: [
    await admission.allowed(staff, did, 'read'),
    await admission.allowed(staff, did, 'write'),
  ],
})
const give = (space: string, jti: string, did: string) => {
  const expiresAt = new Date(clock.now().getTime() + 600_000)
  return rememberCredential(pool, { space, jti, authority: SHOP, did, expiresAt })
}

test('a role admits to the audiences that have it, and a record elsewhere to none', async () => {
  await admit('did:plc:mod', 'moderator')
  await admit('did:plc:mem', 'member')
  await admit('did:plc:view', 'viewer')
  await admit('did:plc:guest', 'guest')
  const [yes, no, reads] = [
    [true, true],
    [false, false],
    [true, false],
  ]
  expect(await may('did:plc:mod')).toEqual({ members: yes, staff: yes })
  expect(await may('did:plc:mem')).toEqual({ members: yes, staff: no })
  expect(await may('did:plc:view')).toEqual({ members: reads, staff: no })
  expect(await may('did:plc:guest')).toEqual({ members: no, staff: no })
  expect(await may(SHOP)).toEqual({ members: yes, staff: yes })
  const forged = { $type: MEMBERSHIP, subject: 'did:plc:eve', role: 'owner' }
  const at = { action: 'put' as const, collection: MEMBERSHIP, rkey: 'did:plc:eve', record: forged }
  await store.applyWrites({ space: members, did: 'did:plc:eve', writes: [at] })
  await store.applyWrites({ space: staff, did: SHOP, writes: [at] })
  expect(await may('did:plc:eve')).toEqual({ members: no, staff: no })
})

test('a suspension and a removal shut out at once, and revoke what the person holds', async () => {
  for (const end of ['suspended', 'removed', 'demoted'] as const) {
    const did = `did:plc:${end}`
    await admit(did, 'moderator')
    await give(members, `m-${end}`, did)
    await give(staff, `s-${end}`, did)
    await give(staff, `other-${end}`, 'did:plc:other')
    await noteWriter(pool, {
      space: staff,
      did: 'did:plc:w',
      rev: `3${end}`,
      hash: Buffer.alloc(32),
    })
    await admit(did, 'moderator', { note: 'nothing changed' })
    expect(await isRevoked(pool, staff, `s-${end}`)).toBe(false)
    if (end === 'suspended') await admit(did, 'moderator', { status: 'suspended' })
    if (end === 'demoted') await admit(did, 'member')
    if (end === 'removed') await remove(did)
    expect((await may(did)).staff).toEqual([false, false])
    expect(await isRevoked(pool, members, `m-${end}`)).toBe(true)
    expect(await isRevoked(pool, staff, `s-${end}`)).toBe(true)
    expect(await isRevoked(pool, staff, `other-${end}`)).toBe(false)
    const notices = await pool.query(
      `select subject, "to" from repo.notice where space = $1 and subject = $2`,
      [staff, `s-${end}`],
    )
    expect(notices.rows).toEqual([{ subject: `s-${end}`, to: 'did:plc:w' }])
  }
  clock.step(3_600_000)
  await sweepExpired(pool, clock.now())
  expect(await isRevoked(pool, staff, 's-removed')).toBe(true)
  clock.step(20_000)
  await sweepExpired(pool, clock.now())
  expect(await isRevoked(pool, staff, 's-removed')).toBe(false)
})

test('a removal that is refused revokes nothing', async () => {
  await admit('did:plc:mod', 'moderator')
  await give(staff, 'kept', 'did:plc:mod')
  const gone = { action: 'delete' as const, collection: MEMBERSHIP, rkey: 'did:plc:mod' }
  const writes = [gone, write('delete', 'absent')]
  await expect(store.applyWrites({ space: members, did: SHOP, writes })).rejects.toThrow(
    'no record',
  )
  expect(await isRevoked(pool, staff, 'kept')).toBe(false)
  expect((await may('did:plc:mod')).staff).toEqual([true, true])
})

test('members are listed in pages, expanded from roles', async () => {
  const dids = Array.from({ length: 7 }, (_, n) => `did:plc:m${n}`)
  for (const [n, did] of dids.entries()) await admit(did, n % 2 === 0 ? 'member' : 'viewer')
  await admit('did:plc:out', 'member', { status: 'suspended' })
  const found = []
  for (let cursor: string | undefined = '', page; cursor !== undefined; cursor = page.cursor) {
    page = await admission.members(members, cursor, 3)
    found.push(...page.members)
  }
  expect(found).toEqual(dids.map((did, n) => ({ did, read: true, write: n % 2 === 0 })))
  expect(await admission.members(staff, undefined, 3)).toEqual({ members: [] })
})

test('a space of another kind goes by its policies', async () => {
  const space = 'at://did:plc:shop/space/com.example.room/x'
  const policy = (name: string, more = {}) => ({ $type: `com.example.defs#${name}`, ...more })
  await pool.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy",
       "appAccess", "createdAt") values ($1, $2, 'com.example.room', 'x', $3, $4, '{}', $5)`,
    [space, SHOP, policy('memberListPolicy'), policy('publicPolicy'), clock.now()],
  )
  await pool.query(`insert into repo.member values ($1, 'did:plc:a', true, false, $2)`, [
    space,
    clock.now(),
  ])
  expect(await admission.allowed(space, 'did:plc:a', 'read')).toBe(true)
  expect(await admission.allowed(space, 'did:plc:b', 'read')).toBe(false)
  expect(await admission.allowed(space, 'did:plc:b', 'write')).toBe(true)
  await pool.query('update repo.space set "readPolicy" = $2 where space = $1', [
    space,
    policy('managingAppPolicy', { managingApp: 'did:web:app' }),
  ])
  expect(await admission.allowed(space, 'did:plc:b', 'read')).toEqual({
    managingApp: 'did:web:app',
  })
  await pool.query('update repo.space set "readPolicy" = $2 where space = $1', [
    space,
    policy('unheardOf'),
  ])
  expect(await admission.allowed(space, 'did:plc:b', 'read')).toBe(false)
  expect((await admission.members(space, undefined, 9)).members).toHaveLength(1)
})

test('writers get places that only rise, and syncers are told of the one before', async () => {
  const options = { pool, clock, nextTid: createTids(clock) }
  const everyone = async () => true
  await pool.query(`insert into repo.syncer values ($1, 'did:web:s#x', $2)`, [
    members,
    new Date(clock.now().getTime() + 3_600_000),
  ])
  for (const did of ['did:plc:a', 'did:plc:b']) {
    await store.applyWrites({ space: members, did, writes: [write('put', 'a', '1')] })
  }
  const first = await orderWriters(options, members, everyone)
  expect(first.map(({ did, prevSpaceRev }) => [did, prevSpaceRev])).toEqual([
    ['did:plc:a', null],
    ['did:plc:b', first[0]?.spaceRev],
  ])
  expect(await orderWriters(options, members, everyone)).toEqual([])
  clock.step(-86_400_000)
  const later = { ...options, nextTid: createTids(clock) }
  await store.applyWrites({ space: members, did: 'did:plc:a', writes: [write('put', 'a', '2')] })
  await store.applyWrites({ space: members, did: 'did:plc:evil', writes: [write('put', 'a', '2')] })
  const second = await orderWriters(later, members, async (did) => did !== 'did:plc:evil')
  expect(second).toMatchObject([{ did: 'did:plc:a', prevSpaceRev: first[1]?.spaceRev }])
  expect(second[0]!.spaceRev > first[1]!.spaceRev).toBe(true)
  const listed = await listWriters(pool, { space: members, limit: 9 })
  expect(listed.map(({ did }) => did)).toEqual(['did:plc:b', 'did:plc:a'])
  const cursor = first[1]!.spaceRev
  expect(await listWriters(pool, { space: members, cursor, limit: 9 })).toHaveLength(1)
  const forwards = await pool.query('select did, "prevSpaceRev" from repo.forward order by did')
  expect(forwards.rows).toEqual([
    { did: 'did:plc:a', prevSpaceRev: first[1]?.spaceRev },
    { did: 'did:plc:b', prevSpaceRev: first[0]?.spaceRev },
  ])
  const old = { space: members, did: 'did:plc:b', rev: '2222222222222', hash: Buffer.alloc(32) }
  expect(await noteWriter(pool, old)).toBe(false)
})

test('a deleted space stays as a tombstone that admits nobody and tells its syncers', async () => {
  await admit('did:plc:a', 'member')
  await give(members, 'outstanding', 'did:plc:a')
  const expiresAt = new Date(clock.now().getTime() + 3_600_000)
  await pool.query(`insert into repo.syncer values ($1, 'did:web:s#x', $2)`, [members, expiresAt])
  expect(await burySpace(pool, members, clock.now())).toBe(true)
  expect(await burySpace(pool, members, clock.now())).toBe(false)
  expect(
    await ensureAudience(pool, { authority: SHOP, audience: 'members', now: clock.now() }),
  ).toBe(members)
  expect((await may('did:plc:a')).members).toEqual([false, false])
  expect(await isRevoked(pool, members, 'outstanding')).toBe(true)
  const notices = await pool.query(`select "to" from repo.notice where kind = 'deleted'`)
  expect(notices.rows).toEqual([{ to: 'did:web:s#x' }])
  await store.applyWrites({ space: members, did: 'did:plc:a', writes: [write('put', 'a', '1')] })
  expect((await pool.query('select 1 from repo.writer')).rows).toEqual([])
})

test('of an account that is gone nothing is left but tombstones', async () => {
  await admit('did:plc:a', 'member')
  await store.applyWrites({ space: members, did: 'did:plc:a', writes: [write('put', 'a', '1')] })
  await deleteAccount({ pool, clock }, 'did:plc:a')
  await deleteAccount({ pool, clock }, SHOP)
  for (const table of ['record', 'oplog', 'admission', 'writer', 'outbox', 'credential']) {
    expect((await pool.query(`select 1 from repo.${table}`)).rows, table).toEqual([])
  }
  const alive = await pool.query('select 1 from repo.space where "deletedAt" is null')
  expect(alive.rows).toEqual([])
})
