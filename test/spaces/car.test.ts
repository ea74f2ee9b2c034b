import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { checkCommit } from '../../src/permissioned/format/commit.ts'
import { exportCar } from '../../src/permissioned/store/export-car.ts'
import { importCar } from '../../src/permissioned/store/import-car.ts'
import { listOps } from '../../src/permissioned/store/oplog.ts'
import { createRepoReads } from '../../src/permissioned/store/repo-reads.ts'
import { SetHash } from '../../src/permissioned/format/set-hash.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { spaceTables } from '../space-database.ts'
import { DID, NOTE, SPACE, clear, note, storeOn, testClock } from './fixture.ts'

const at = { space: SPACE, did: DID }
const signer = signerFromPrivateKey(Buffer.alloc(32, 7))
const sign = async (bytes: Uint8Array) => signer.sign(bytes)
const check = async (commit: Parameters<typeof checkCommit>[0]) =>
  checkCommit(commit, { space: SPACE, author: DID, signingKey: signer.didKey })
const clock = testClock()
let database: TestDatabase<unknown>
let pool: SqlPool

beforeAll(async () => {
  database = await pgliteDatabase()
  pool = await spaceTables(database)
})
beforeEach(() => clear(pool))
afterAll(() => database.close())

const exported = async () => {
  const parts = await exportCar(pool, { ...at, sign })
  return Buffer.concat(await Array.fromAsync(parts!))
}
const take = (body: Buffer) => importCar(pool, { ...at, check, clock, body: streamed(body) })
const records = async () =>
  (await pool.query('select collection, rkey, cid, bytes from repo.record order by 1, 2')).rows

const key = fc.constantFrom('a', 'b', 'c', 'long-key')
const collection = fc.constantFrom(NOTE, 'com.example.no', 'com.example.note.longer')
const step = fc.record({
  collection,
  rkey: key,
  text: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
})
const history = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 12 })

test('replaying the log gives the state, and the hash does not depend on the order', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (batches) => {
      await clear(pool)
      const store = storeOn(pool)
      const model = new Map<string, string>()
      for (const batch of batches) {
        const writes = batch.map(({ text, ...path }) =>
          text === undefined
            ? { action: 'delete' as const, ...path }
            : {
                action: 'put' as const,
                ...path,
                record: { ...note(text), $type: path.collection },
              },
        )
        const done = await store.applyWrites({ ...at, writes }).catch(() => undefined)
        done?.results.forEach(({ cid }, n) => {
          const path = `${writes[n]!.collection}/${writes[n]!.rkey}`
          if (cid === null) model.delete(path)
          else model.set(path, cid)
        })
      }
      const page = await listOps(pool, { ...at, limit: 1_000 })
      const replayed = new Map<string, string>()
      const [rolling, fresh] = [new SetHash(), new SetHash()]
      for (const { collection: type, rkey, cid, prev } of page?.ops ?? []) {
        const path = `${type}/${rkey}`
        expect(replayed.get(path) ?? null).toBe(prev)
        if (prev !== null) rolling.remove(path, prev)
        if (cid !== null) rolling.add(path, cid)
        if (cid === null) replayed.delete(path)
        else replayed.set(path, cid)
      }
      for (const [path, cid] of [...model].toReversed()) fresh.add(path, cid)
      expect(replayed).toEqual(model)
      expect(Buffer.from(fresh.state())).toEqual(Buffer.from(rolling.state()))
      if (page) expect(page.head?.setHash).toEqual(Buffer.from(fresh.state()))
    }),
    { numRuns: 25 },
  )
})

test('a repo that was exported is the same after its import elsewhere', async () => {
  const store = storeOn(pool)
  for (let n = 0; n < 6; n++) {
    const writes = Array.from({ length: 150 }, (_, m) => ({
      action: 'create' as const,
      collection: m % 2 === 0 ? NOTE : 'com.example.note.longer',
      rkey: `${n}-${'x'.repeat(m % 9)}${m}`,
      record: { ...note(`${n} ${m}`), $type: m % 2 === 0 ? NOTE : 'com.example.note.longer' },
    }))
    await store.applyWrites({ ...at, writes })
  }
  const car = await exported()
  const before = [await records(), await createRepoReads(pool).stateOf(at)]
  await clear(pool)
  expect(await take(car)).toMatchObject({ records: 900, blobs: [] })
  expect([await records(), await createRepoReads(pool).stateOf(at)]).toEqual(before)
  const outbox = await pool.query('select rev from repo.outbox')
  expect(outbox.rows).toHaveLength(1)
  await expect(take(car)).rejects.toThrow('NotNewer')
  const fresh = storeOn(pool)
  const writes = [{ action: 'put' as const, collection: NOTE, rkey: 'new', record: note('1') }]
  const { rev } = await fresh.applyWrites({ ...at, writes })
  expect(rev > (before[1] as { rev: string }).rev).toBe(true)
  expect(
    Buffer.concat(await Array.fromAsync((await exportCar(pool, { ...at, sign }))!)),
  ).toBeDefined()
})

test('a CAR that is cut, changed or signed by another replaces nothing', async () => {
  const store = storeOn(pool)
  const put = (rkey: string) =>
    store.applyWrites({
      ...at,
      writes: [{ action: 'put', collection: NOTE, rkey, record: note(rkey) }],
    })
  await put('a')
  const old = await exported()
  await put('b')
  const car = await exported()
  await clear(pool)
  await take(old)
  const before = await records()
  for (const bad of [car.subarray(0, -3), Buffer.concat([car, Buffer.of(1)]), flipped(car, -3)]) {
    await expect(take(bad)).rejects.toThrow('cannot be taken in')
    expect(await records()).toEqual(before)
  }
  const check = async () => 'BadSignature' as const
  const other = importCar(pool, { ...at, check, clock, body: streamed(car) })
  await expect(other).rejects.toThrow('BadSignature')
  await take(car)
  expect(await records()).toHaveLength(2)
})

test('without a repo there is nothing to export or to sign', async () => {
  expect(await exportCar(pool, { ...at, sign })).toBeUndefined()
  expect(await createRepoReads(pool).latestCommit({ ...at, sign })).toBeUndefined()
  await storeOn(pool).applyWrites({
    ...at,
    writes: [{ action: 'put', collection: NOTE, rkey: 'a', record: note('a') }],
  })
  const commit = await createRepoReads(pool).latestCommit({ ...at, sign })
  expect(await check(commit!)).toBeUndefined()
})

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes)
  other[bytes.length + at]! ^= 1
  return other
}

async function* streamed(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += 1_000) yield bytes.subarray(from, from + 1_000)
}
