import { InvalidRequestError } from '@atproto/xrpc-server'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SqlPool } from '../../src/database/sql.ts'
import { listOps } from '../../src/permissioned/oplog.ts'
import { createRepoReads } from '../../src/permissioned/repo-reads.ts'
import { SetHash } from '../../src/permissioned/set-hash.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { spaceTables } from '../space-database.ts'
import { DID, NOTE, SPACE, clear, errorOf, note, storeOn, testClock, write } from './fixture.ts'

const at = { space: SPACE, did: DID }
let database: TestDatabase<unknown>
let pool: SqlPool

beforeAll(async () => {
  database = await pgliteDatabase()
  pool = await spaceTables(database)
})
beforeEach(() => clear(pool))
afterAll(() => database.close())

const count = async (table: string) =>
  Number((await pool.query<{ n: string }>(`select count(*) as n from repo.${table}`)).rows[0]?.n)
const one = async (sql: string) => (await pool.query(sql)).rows[0]

test('a batch has one rev, and its records, log, hash and notice are there together', async () => {
  const store = storeOn(pool)
  const writes = [write('create', 'a', '1'), write('put', 'b', '2')]
  const done = await store.applyWrites({ ...at, writes })
  expect(done.results.map(({ uri }) => uri)).toEqual([
    `${SPACE}/${DID}/${NOTE}/a`,
    `${SPACE}/${DID}/${NOTE}/b`,
  ])
  const set = new SetHash()
  set.add(`${NOTE}/a`, done.results[0]!.cid!)
  set.add(`${NOTE}/b`, done.results[1]!.cid!)
  expect(Buffer.from(done.hash)).toEqual(Buffer.from(set.digest()))
  const reads = createRepoReads(pool)
  expect(await reads.stateOf(at)).toEqual({ rev: done.rev, setHash: Buffer.from(set.state()) })
  const page = await listOps(pool, { ...at, limit: 10 })
  expect(page?.ops).toMatchObject([
    { rev: done.rev, idx: 0, rkey: 'a', prev: null },
    { rev: done.rev, idx: 1, rkey: 'b', prev: null },
  ])
  expect(page?.head?.rev).toBe(done.rev)
  expect(await one('select rev, hash, attempts from repo.outbox')).toEqual({
    rev: done.rev,
    hash: Buffer.from(done.hash),
    attempts: 0,
  })
  expect(await one('select rev from repo.change')).toEqual({ rev: done.rev })
})

test('of a batch that is refused nothing is stored', async () => {
  const store = storeOn(pool)
  await store.applyWrites({ ...at, writes: [write('create', 'a', '1')] })
  const before = await createRepoReads(pool).stateOf(at)
  const refusals: [string, ReturnType<typeof write>][] = [
    ['RecordAlreadyExists', write('create', 'a', '2')],
    ['RecordNotFound', write('update', 'x', '2')],
    ['RecordNotFound', write('delete', 'x')],
    ['InvalidSwap', write('put', 'a', '2', null)],
    ['InvalidSwap', write('put', 'x', '2', 'bafyreib')],
    ['InvalidSwap', write('delete', 'a', undefined, 'bafyreib')],
    ['InvalidRequest', write('put', '..', '2')],
    ['InvalidRequest', { ...write('put', 'b', '2'), collection: 'note' }],
    ['InvalidRequest', write('put', 'b')],
    ['InvalidRequest', write('put', 'b', 'x'.repeat(1_000_001))],
    ['InvalidRequest', { ...write('put', 'b'), record: { ...note('1'), $type: 'com.example.x' } }],
  ]
  for (const [name, bad] of refusals) {
    expect(await errorOf(store.applyWrites({ ...at, writes: [write('put', 'c', '3'), bad] }))).toBe(
      name,
    )
  }
  const swap = store.applyWrites({
    ...at,
    swapRev: '2222222222222',
    writes: [write('put', 'c', '')],
  })
  expect(await errorOf(swap)).toBe('InvalidSwap')
  const many = Array.from({ length: 201 }, (_, n) => write('put', `k${n}`, ''))
  expect(await errorOf(store.applyWrites({ ...at, writes: many }))).toBe('InvalidRequest')
  expect(await errorOf(store.applyWrites({ ...at, writes: [] }))).toBe('InvalidRequest')
  expect(await createRepoReads(pool).stateOf(at)).toEqual(before)
  expect([await count('record'), await count('oplog')]).toEqual([1, 1])
})

test('200 writes of one batch are one rev, also several of one path', async () => {
  const store = storeOn(pool)
  const writes = Array.from({ length: 196 }, (_, n) => write('create', `k${n}`, String(n)))
  const more = [write('create', 'z', '1'), write('put', 'z', '2'), write('delete', 'z')]
  const done = await store.applyWrites({
    ...at,
    writes: [...writes, ...more, write('put', 'z', '3')],
  })
  expect(await count('record')).toBe(197)
  expect(
    await one(`select count(distinct rev)::int as n, count(*)::int as ops from repo.oplog`),
  ).toEqual({ n: 1, ops: 200 })
  const found = await createRepoReads(pool).getRecord({ ...at, collection: NOTE, rkey: 'z' })
  expect(found?.cid).toBe(done.results.at(-1)?.cid)
})

test('what the validator refuses is answered with its words', async () => {
  const store = storeOn(pool, { validate: () => ({ ok: false, message: 'text is too long' }) })
  const refused = store.applyWrites({ ...at, writes: [write('put', 'a', '1')] })
  await expect(refused).rejects.toThrow('text is too long')
})

test('putting what is there changes nothing, and nobody is told', async () => {
  const store = storeOn(pool)
  const first = await store.applyWrites({ ...at, writes: [write('put', 'a', '1')] })
  await pool.query('truncate repo.outbox, repo.change')
  const again = await store.applyWrites({ ...at, writes: [write('put', 'a', '1')] })
  expect(again).toEqual(first)
  expect([await count('outbox'), await count('change'), await count('oplog')]).toEqual([0, 0, 1])
})

test('revs rise when the clock steps back, also over a restart', async () => {
  const clock = testClock()
  const revs: string[] = []
  for (let n = 0; n < 4; n++) {
    const store = storeOn(pool, { clock })
    for (let m = 0; m < 3; m++) {
      const writes = [write('put', `${n}${m}`, 'x')]
      revs.push((await store.applyWrites({ ...at, writes })).rev)
    }
    clock.step(-3_600_000)
  }
  expect(revs).toEqual([...new Set(revs)].toSorted())
})

test('writes of one repo that wait together keep their order and their own revs', async () => {
  const store = storeOn(pool)
  const texts = Array.from({ length: 80 }, (_, n) => String(n))
  const all = texts.map((text) => store.applyWrites({ ...at, writes: [write('put', 'a', text)] }))
  const bad = store.applyWrites({ ...at, writes: [write('create', 'a', 'taken')] })
  expect(await errorOf(bad)).toBe('RecordAlreadyExists')
  const done = await Promise.all(all)
  const revs = done.map(({ rev }) => rev)
  expect(revs).toEqual([...new Set(revs)].toSorted())
  const page = await listOps(pool, { ...at, limit: 1_000 })
  expect(page?.ops.map(({ cid }) => cid)).toEqual(done.map(({ results }) => results[0]!.cid))
  expect(page?.ops.slice(1).map(({ prev }) => prev)).toEqual(
    done.slice(0, -1).map(({ results }) => results[0]!.cid),
  )
  expect(page?.ops.map(({ bytes }) => bytes !== null).indexOf(true)).toBe(79)
})

test('one poisonous value does not fail the writes that waited with it', async () => {
  const store = storeOn(pool)
  const evidence = { iss: 'did:plc:x', lxm: 'com.example.x', jti: 'a\u0000b' }
  const source = 'local' as const
  const first = store.applyWrites({ ...at, writes: [write('put', 'a', '1')] })
  const mixed = ['b', 'c', 'd'].map((name) => {
    const poison = name === 'c' && { evidence, source }
    const did = `did:plc:${name}`
    return store.applyWrites({ space: SPACE, did, writes: [write('put', 'a', '1')], ...poison })
  })
  await first
  const outcomes = await Promise.allSettled(mixed)
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('what a guard refuses is not stored, and what it keeps is stored with the record', async () => {
  const store = storeOn(pool, {
    guards: [
      {
        concerns: ({ collection }) => collection === NOTE,
        async apply(tx, { did, rkey, rev, record }) {
          const values = [did, rkey, record?.text === 'no' ? 'no' : 'yes', rev]
          await tx.query(`insert into repo.admission values ($1, $2, $3, 'active', $4)`, values)
          if (record?.text === 'no') throw new InvalidRequestError('taken', 'SlotTaken')
        },
      },
    ],
  })
  await store.applyWrites({ ...at, writes: [write('put', 'a', 'yes')] })
  const refused = store.applyWrites({ ...at, writes: [write('put', 'b', 'no')] })
  expect(await errorOf(refused)).toBe('SlotTaken')
  expect([await count('admission'), await count('record'), await count('oplog')]).toEqual([1, 1, 1])
  await store.applyWrites({ ...at, writes: [write('create', 'c', 'yes')] })
  expect(await count('admission')).toBe(2)
})

test('pages of records and of the log join without gap or repeat', async () => {
  const store = storeOn(pool)
  for (let n = 0; n < 7; n++) {
    const writes = ['x', 'y', 'z'].map((key) => write('put', `${key}${n % 4}`, String(n)))
    await store.applyWrites({ ...at, writes })
  }
  const reads = createRepoReads(pool)
  for (const reverse of [false, true]) {
    const names: string[] = []
    for (let cursor: string | undefined = '', page; cursor !== undefined; cursor = page.cursor) {
      const from = cursor === '' ? {} : { cursor }
      page = await reads.listRecords({ ...at, ...from, limit: 5, reverse })
      names.push(...page.records.map(({ rkey }) => rkey))
    }
    const sorted = [...new Set(names)].toSorted()
    expect(names).toEqual(reverse ? sorted.toReversed() : sorted)
    expect(names).toHaveLength(12)
  }
  const whole = (await listOps(pool, { ...at, limit: 1_000 }))!.ops
  const ops = []
  for (let cursor: string | undefined = '', page; cursor !== undefined; cursor = page.cursor) {
    page = (await listOps(pool, { ...at, ...(cursor !== '' && { cursor }), limit: 4 }))!
    ops.push(...page.ops)
    expect(page.head === undefined).toBe(page.cursor !== undefined)
  }
  expect(ops).toEqual(whole)
  const since = whole[5]!.rev
  const rest = await listOps(pool, { ...at, since, limit: 1_000 })
  expect(rest?.ops).toEqual(whole.slice(6))
  expect(await errorOf(listOps(pool, { ...at, cursor: 'x', limit: 4 }))).toBe('InvalidRequest')
  const values = await listOps(pool, { ...at, limit: 1_000, excludeValues: true })
  expect(values?.ops.some(({ bytes }) => bytes !== null)).toBe(false)
})

test('an account is told of the spaces it has a repo in, by type and authority', async () => {
  const store = storeOn(pool)
  const spaces = ['at://did:plc:a/space/com.example.room/x', 'at://did:plc:b/space/com.example.b/x']
  for (const space of spaces)
    await store.applyWrites({ space, did: DID, writes: [write('put', 'a', '')] })
  const reads = createRepoReads(pool)
  const list = async (query: object) =>
    (await reads.listSpacesOf({ did: DID, limit: 10, ...query })).spaces
  expect(await list({})).toEqual(spaces)
  expect(await list({ type: 'com.example.b' })).toEqual([spaces[1]])
  expect(await list({ authority: 'did:plc:a' })).toEqual([spaces[0]])
  expect(await list({ did: 'did:plc:b' })).toEqual([])
  const page = await reads.listSpacesOf({ did: DID, limit: 1 })
  expect(await list({ cursor: page.cursor })).toEqual([spaces[1]])
})
