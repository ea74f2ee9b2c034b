import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { migrate } from '../src/database/migrate.ts'
import { silentLog } from '../src/log.ts'
import { postgresFollowStore } from '../src/permissioned/sync/postgres-follow-store.ts'
import { dropNext } from '../src/rebuild/books.ts'
import { compareTables } from '../src/rebuild/compare.ts'
import { NEXT } from '../src/rebuild/in-schema.ts'
import { bringForward } from '../src/rebuild/old-tables.ts'
import { fillNext } from '../src/rebuild/rebuild.ts'
import { switchOver } from '../src/rebuild/switch-over.ts'
import type { Filling } from '../src/rebuild/take-in.ts'
import { type AppViewDatabase, NOW, appViewOn } from './appview-database.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { viewRows } from './rebuild-world.ts'
import {
  ADA,
  BEN,
  EVE,
  FAR,
  GUEST,
  PLAN,
  REMOTE,
  SALE,
  SPRING,
  SpacesWorld,
  key,
  kiosk,
  message,
} from './rebuild-space-world.ts'
import { wrongFigures } from './recount.ts'
import { spaceTables } from './space-database.ts'
import { clear } from './spaces/fixture.ts'

let database: NativeDatabase<unknown>
let db: AppViewDatabase
let world: SpacesWorld
let said: string[]
beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: database.db, schema: 'node', migrations })
  await spaceTables(database)
  db = await appViewOn(database.pool as unknown as SqlPool)
})
beforeEach(async () => {
  await dropNext(db.pool)
  await db.clear()
  await clear(db.pool)
  said = []
  world = new SpacesWorld(db)
  await world.live(60, 1)
  await world.begin()
})
afterEach(() => world.tail[Symbol.asyncDispose]())
afterAll(() => database?.close())

test('what permissioned repos show is there after a rebuild, row by row', async () => {
  const rows = await viewRows(db.pool)
  expect(rows['message']!.length).toBeGreaterThan(3)
  expect(rows['spaceRepo']).toHaveLength(10)
  const shown = await db.pool.query('select rkey, place from appview.post order by rkey')
  expect(shown.rows).toEqual([
    { rkey: PLAN, place: kiosk('staff') },
    { rkey: SALE, place: kiosk('staff') },
    { rkey: SPRING, place: '' },
  ])
  await switched()
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(said.filter((line) => line.includes('set hash'))).toEqual([])
  expect(await due()).toEqual([])
  await world.more(1)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
  await rebuildAgrees()
})

test('tables made anew at start-up show permissioned repos as they were', async () => {
  const rows = await viewRows(db.pool)
  await db.pool.query(`update appview."viewTable" set fingerprint = 'of another program'`)
  const { rebuilt } = await prepareViewTables({ ...db, log: silentLog })
  expect(rebuilt).toBe(true)
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
})

test('what is written meanwhile is there, and so is what was written last', async () => {
  let n = 0
  world.beforeTaking = async () => {
    if (n < 6) await world.more((n += 1))
  }
  const filling = await fillNext(rebuilding())
  await world.put(EVE, kiosk('members'), { collection: 'spaces.message', rkey: key(2) })
  await world.more(7)
  await world.account(BEN, 'deactivated')
  await world.sink.forget(REMOTE, 'did:plc:club')
  const rows = await viewRows(db.pool)
  await swap(filling)
  expect(await viewRows(db.pool)).toEqual(rows)
  expect(await wrongFigures(db.pool, collections)).toEqual([])
  await world.account(BEN, 'active')
  await rebuildAgrees()
})

test('an account that comes back while it runs is shown with all it wrote in spaces', async () => {
  await world.account(BEN, 'deactivated')
  const filling = await fillNext(rebuilding())
  await world.account(BEN, 'active')
  await world.resync()
  await world.account(ADA, 'deleted')
  const rows = await viewRows(db.pool)
  expect(rows['message']!.some((row) => row.includes('Hello from did:plc:ben'))).toBe(true)
  await swap(filling)
  expect(await viewRows(db.pool)).toEqual(rows)
})

test('a wrong row of an own repo is put right, one of a space of others is fetched again', async () => {
  const right = await viewRows(db.pool)
  const spoil = (place: string, did: string) =>
    db.pool.query(
      `update appview."spaceRecord" set cid = 'bafynothing', bytes = '\\xa0'
       where place = $1 and did = $2 and cid is not null`,
      [place, did],
    )
  await spoil(kiosk('members'), ADA)
  await spoil(REMOTE, FAR)
  const filling = await fillNext(rebuilding())
  const compared = await compareTables(db.pool, collections)
  const differing = compared.filter((table) => table.differing > 0)
  expect(differing.map(({ table, differing: count }) => [table, count])).toEqual(
    expect.arrayContaining([
      ['spaceRecord', 2],
      ['spaceRepo', 1],
    ]),
  )
  await swap(filling)
  expect(said).toContain(`${FAR} in ${REMOTE}: left out, its records are not those of its set hash`)
  expect(await due()).toEqual([{ space: REMOTE, did: FAR, whole: true }])
  const now = await viewRows(db.pool)
  const others = (rows: Record<string, string[]>) => rows['message']!.filter(isNotFar)
  expect(others(now)).toEqual(others(right))
  expect(now['message']!.length).toBe(right['message']!.length - 1)
})

test('an own repo that does not add up is told and taken as the views had it', async () => {
  const rows = await viewRows(db.pool)
  await db.pool.query('delete from repo.record where space = $1 and did = $2', [
    kiosk('members'),
    BEN,
  ])
  await switched()
  expect(said).toContain(
    `${BEN} in ${kiosk('members')}: as the views had it, its records are not those of its set hash`,
  )
  expect(await viewRows(db.pool)).toEqual(rows)
})

test('what the syncer is fetching whole at the switch is fetched whole once more', async () => {
  const store = postgresFollowStore(db.pool)
  await store.note(REMOTE, { dids: [FAR], now: NOW })
  const [running] = await store.due({ now: NOW, limit: 1, exceptHosts: [], except: [] })
  await store.beginWhole(running!)
  await switched()
  await store.done(running!)
  expect(await due()).toEqual([{ space: REMOTE, did: FAR, whole: true }])
  const again = await store.dueOf(REMOTE, FAR)
  await store.done(again!)
  expect(await due()).toEqual([])
})

test('one that was killed among permissioned repos goes on, and takes none of them twice', async () => {
  const rows = await viewRows(db.pool)
  let left = 3
  const pool: SqlPool = {
    query: (text, values) => db.pool.query(text, values),
    connect: async () => {
      const client = await db.pool.connect()
      const query: SqlPool['query'] = async (text, values) => {
        const said = typeof text === 'string' ? text : text.text
        if (said.startsWith(`insert into ${NEXT}."spaceRepo"`) && left-- === 0)
          throw new Error('killed')
        return client.query(text, values)
      }
      return { query, release: (error) => client.release(error) }
    },
  }
  await expect(fillNext({ ...rebuilding(), pool })).rejects.toThrow('killed')
  const { rows: done } = await db.pool.query(`select 1 from ${NEXT}."spaceRepo"`)
  expect(done.length).toBeGreaterThan(0)
  expect(done.length).toBeLessThan(rows['spaceRepo']!.length)
  await switched()
  expect(await viewRows(db.pool)).toEqual(rows)
})

test('views that are gone come back, and spaces of others are asked for from their beginning', async () => {
  const rows = await viewRows(db.pool)
  await db.pool.query(`update repo.follow set checkpoint = '3kabc', "nextSweepAt" = '2030-01-01'`)
  await db.pool.query('drop schema appview cascade')
  await bringForward(database.pool)
  const own = world.rebuildingOwn()
  await swap(await fillNext({ ...own, report: (line) => void said.push(line) }))
  const shown = (tables: Record<string, string[]>) =>
    [...tables['message']!, ...tables['post']!, ...tables['membership']!, ...tables['memberCrm']!]
      .filter((row) => isNotFar(row) && !row.includes('did:plc:club'))
      .map((row) => row.replaceAll(/(indexedAt|rev):"[^"]*",?/g, ''))
      .toSorted()
  expect(shown(await viewRows(db.pool))).toEqual(shown(rows))
  const followed = await postgresFollowStore(db.pool).spaceOf(REMOTE)
  expect(followed).toMatchObject({ checkpoint: null, nextSweepAt: NOW })
})

test('writers that never stop lose nothing', async () => {
  const filling = await fillNext(rebuilding())
  const writing = (async () => {
    for (let n = 0; n < 30; n++) await world.more(n)
    await world.put(GUEST, kiosk('members'), message(999, 'The last'), { source: 'local' })
  })()
  await new Promise((go) => void setTimeout(go, 100))
  await swap(filling)
  await writing
  await world.tail.drain()
  expect(await wrongFigures(db.pool, collections)).toEqual([])
  const rows = await viewRows(db.pool)
  expect(rows['message']!.some((row) => row.includes('The last'))).toBe(true)
  expect(rows['message']!.filter((row) => row.includes('More ')).length).toBe(30)
  await rebuildAgrees()
})

const isNotFar = (row: string) => !row.includes(FAR)

async function due(): Promise<unknown[]> {
  return (await db.pool.query('select space, did, whole from repo."followRepo"')).rows
}

function rebuilding() {
  return world.rebuilding({ report: (line) => void said.push(line) })
}

async function switched() {
  return swap(await fillNext(rebuilding()))
}

async function swap(filling: Filling) {
  return switchOver(filling, { timers: rebuilding().timers, keepOld: false })
}

/** The views hold what the repos do, as if they had been made of them just now. */
async function rebuildAgrees(): Promise<void> {
  await fillNext(rebuilding())
  const compared = await compareTables(db.pool, collections)
  expect(compared.filter((table) => table.differing > 0)).toEqual([])
  await dropNext(db.pool)
}
