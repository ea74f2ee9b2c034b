import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { migrate } from '../src/database/migrate.ts'
import { dropNext } from '../src/rebuild/books.ts'
import { compareTables } from '../src/rebuild/compare.ts'
import { NEXT } from '../src/rebuild/in-schema.ts'
import { bringForward } from '../src/rebuild/old-tables.ts'
import { type Rebuilding, fillNext } from '../src/rebuild/rebuild.ts'
import { finish, switchOver } from '../src/rebuild/switch-over.ts'
import { type AppViewDatabase, appViewOn } from './appview-database.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { deletionOf } from './record.ts'
import { wrongFigures } from './recount.ts'
import { spaceTables } from './space-database.ts'
import { World, everybody, someWrites, viewRows } from './rebuild-world.ts'

let database: NativeDatabase<unknown>
let db: AppViewDatabase
let world: World
beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: database.db, schema: 'node', migrations })
  await spaceTables(database)
  db = await appViewOn(database.pool as unknown as SqlPool)
})
beforeEach(async () => {
  await dropNext(db.pool)
  await db.clear()
  world = new World(db)
  await world.live(150, 1)
})
afterAll(() => database?.close())

test('rebuilt views are the old ones, with figures, refusals and times, and others stay', async () => {
  const [rows, others] = [await viewRows(db.pool), await otherRows()]
  expect(rows['message']!.length).toBeGreaterThan(0)
  expect(rows['record']!.some((row) => /reason:"\w/.test(row))).toBe(true)
  const { heldUpMs } = await switched()
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(await otherRows()).toEqual(others)
  expect(heldUpMs).toBeLessThan(5_000)
  expect(await schemas()).toEqual(['appview'])
  await world.live(30, 2)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
})

test('indexes and keys are the old ones', async () => {
  const before = await definitions()
  await switched()
  expect(await definitions()).toEqual(before)
})

test('what is wrong in the views is found and, by switching, put right', async () => {
  const right = await viewRows(db.pool)
  await db.pool.query(`delete from appview.message where uri in
    (select uri from appview.message order by uri limit 1)`)
  await db.pool.query(`update appview.space set name = 'Not its name'`)
  await db.pool.query(`update appview.record set bytes = '\\xa0', cid = 'bafynothing'
    where (did, collection, rkey) in (select did, collection, rkey from appview.record
      where reason is null and cid is not null order by 1, 2, 3 limit 1)`)
  const filling = await fillNext(world.rebuilding())
  const compared = await compareTables(db.pool, collections)
  const differing = compared.filter((table) => table.differing > 0)
  expect(differing.map(({ table }) => table)).toEqual(
    expect.arrayContaining(['record', 'message', 'space']),
  )
  const space = differing.find(({ table }) => table === 'space')!
  expect(space.sample[0]!.live).toEqual({ name: 'Not its name' })
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  const healed = await viewRows(db.pool)
  expect(withoutTimes(healed)).toEqual(withoutTimes(right))
})

test('what is written while the rebuild runs is there, told to feeds once', async () => {
  const more = await someWrites(60, 3)
  world.beforeTaking = async () => {
    for (const write of more.splice(0, 8)) await world.commit(write)
  }
  const filling = await fillNext(world.rebuilding())
  world.beforeTaking = async () => undefined
  for (const write of [...more, ...(await someWrites(10, 4))]) await world.commit(write)
  const [rows, feeds] = [await viewRows(db.pool), await otherRows()]
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(await otherRows()).toEqual(feeds)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
})

test('a rebuild that was broken off goes on, and takes no repo a second time', async () => {
  const rows = await viewRows(db.pool)
  let left = 2
  world.beforeTaking = async () => {
    if (left-- === 0) throw new Error('killed')
  }
  await expect(fillNext(world.rebuilding())).rejects.toThrow('killed')
  world.beforeTaking = async () => undefined
  const done = await db.pool.query<{ did: string }>(`select did from ${NEXT}.rebuilt`)
  world.taken.length = 0
  await switched()
  expect(world.taken).toHaveLength(everybody.length - done.rows.length)
  expect(done.rows.length).toBeGreaterThan(0)
  expect(await viewRows(db.pool)).toEqual(rows)
})

test('one that was begun for other declarations is begun anew', async () => {
  await fillNext(world.rebuilding())
  await db.pool.query(`update ${NEXT}."viewTable" set fingerprint = 'of another program'`)
  world.taken.length = 0
  await switched()
  expect(world.taken.toSorted()).toEqual(everybody.toSorted())
})

test('accounts that go and come while it runs are shown as they are in the end', async () => {
  const [gone, back, dead, late] = everybody as [string, string, string, string]
  await world.account(back, 'deactivated')
  const filling = await fillNext(world.rebuilding())
  await world.account(gone, 'takendown')
  await world.account(back, 'active')
  await world.resync()
  await world.account(dead, 'deleted')
  await world.account(late, 'deactivated')
  await world.account(late, 'active')
  await world.resync()
  const rows = await viewRows(db.pool)
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
})

test('an account whose repo nobody has any more keeps what the views had of it', async () => {
  const rows = await viewRows(db.pool)
  world.away.add(everybody[0]!)
  const filling = await fillNext(world.rebuilding())
  const { rows: told } = await db.pool.query(
    `select did, "from", detail from ${NEXT}.rebuilt where detail is not null`,
  )
  expect(told).toEqual([{ did: everybody[0], from: 'views', detail: 'Unreachable: nobody there' }])
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  expect(await viewRows(db.pool)).toEqual(rows)
})

test('a change undone unseen, while the views were fetching the repo, is not kept', async () => {
  const [did] = everybody as [string]
  const [path, write] = [...world.repos.get(did)!.records][0]!
  await world.commit(deletionOf(write, write.rev), { unseen: true })
  const filling = await fillNext(world.rebuilding())
  await world.commit(write, { unseen: true })
  await world.store.desynchronize([did], 'Gap')
  await world.resync()
  expect(world.repos.get(did)!.records.has(path)).toBe(true)
  const rows = await viewRows(db.pool)
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  await world.resync()
  expect(withoutTimes(await viewRows(db.pool))).toEqual(withoutTimes(rows))
})

test('a repo that was being fetched at the switch is fetched anew', async () => {
  const [did] = everybody as [string]
  const filling = await fillNext(world.rebuilding())
  await world.store.desynchronize([did], 'Gap')
  await world.store.claim({ limit: 1, now: world.rebuilding().timers.now() })
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  const standing = (await world.store.standings([did])).get(did)
  expect(standing?.state).toBe('desynchronized')
})

test('the old tables are kept when they are asked for', async () => {
  const rows = await viewRows(db.pool)
  const filling = await fillNext(world.rebuilding())
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: true })
  expect(await schemas()).toEqual(['appview', 'appview_old'])
  const { rows: old } = await db.pool.query<{ n: number }>(
    'select count(*)::int as n from appview_old.message',
  )
  expect(old[0]!.n).toBe(rows['message']!.length)
  await db.pool.query('drop schema appview_old cascade')
})

test('views that are gone with all that was under them come back from the own repos', async () => {
  const rows = await viewRows(db.pool)
  await db.pool.query('drop schema appview cascade')
  await bringForward(database.pool)
  const rebuilding = world.rebuildingOwn()
  const filling = await fillNext(rebuilding)
  await switchOver(filling, { timers: rebuilding.timers, keepOld: false })
  expect(withoutTimes(await viewRows(db.pool))).toEqual(withoutTimes(rows))
  await world.live(30, 6)
  const standings = [...(await world.store.standings(everybody)).values()]
  expect(standings.map(({ state }) => state)).toEqual(everybody.map(() => 'synchronized'))
  await finishChecks()
})

test('readers and writers that never stop see no error and lose nothing', async () => {
  const filling = await fillNext(world.rebuilding())
  let done = false
  let reads = 0
  const reading = Array.from({ length: 3 }, async (_, n) => {
    const text = `select uri, "replyCount" from appview.message where did = $1 order by uri`
    while (!done) {
      await db.pool.query(n === 0 ? text : { name: 'messages', text }, [everybody[2 + n]])
      reads++
    }
  })
  const writing = (async () => {
    for (const write of await someWrites(150, 5)) await world.commit(write)
  })()
  await new Promise((go) => void setTimeout(go, 100))
  await switchOver(filling, { timers: world.rebuilding().timers, keepOld: false })
  await writing
  const readsAtSwitch = reads
  await new Promise((go) => void setTimeout(go, 200))
  done = true
  await Promise.all(reading)
  expect(reads).toBeGreaterThan(readsAtSwitch)
  await finishChecks()
})

/** The views hold what the repos do, as if they had been made of them just now. */
async function finishChecks(): Promise<void> {
  expect(await wrongFigures(db.pool, collections)).toEqual([])
  const filling = await fillNext(world.rebuilding())
  await finish(db.pool, filling)
  const compared = await compareTables(db.pool, collections)
  expect(compared.filter((table) => table.differing > 0)).toEqual([])
  await dropNext(db.pool)
}

async function switched(more: Partial<Rebuilding> = {}) {
  const rebuilding = world.rebuilding(more)
  const filling = await fillNext(rebuilding)
  return switchOver(filling, { timers: rebuilding.timers, keepOld: false })
}

async function otherRows(): Promise<unknown[]> {
  const all: unknown[] = []
  for (const table of ['account', 'cursor', 'host', 'feed', '"feedHead"', '"refusedCommit"'])
    all.push((await db.pool.query(`select * from appview.${table} order by 1, 2`)).rows)
  return all
}

async function schemas(): Promise<string[]> {
  const { rows } = await db.pool.query<{ name: string }>(
    `select nspname as name from pg_namespace where nspname like 'appview%' order by 1`,
  )
  return rows.map(({ name }) => name)
}

async function definitions(): Promise<string[]> {
  const { rows } = await db.pool.query<{ text: string }>(
    `select regexp_replace(indexdef, 'INDEX \\S+', 'INDEX') as text from pg_indexes
     where schemaname = 'appview' union all
     select table_name || column_name || data_type || is_nullable || coalesce(column_default, '')
     from information_schema.columns where table_schema = 'appview'`,
  )
  return rows.map(({ text }) => text).toSorted()
}

function withoutTimes(tables: Record<string, string[]>): Record<string, string[]> {
  const plain = (row: string) => row.replaceAll(/(indexedAt|rev):"[^"]*",?/g, '')
  return Object.fromEntries(
    Object.entries(tables).map(([name, rows]) => [name, rows.map(plain).toSorted()]),
  )
}
