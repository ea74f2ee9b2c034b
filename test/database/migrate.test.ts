import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Migrations, migrate } from '../../src/database/migrate.ts'
import { openKysely, openPool } from '../../src/database/pool.ts'
import { silentLog as log } from '../../src/log.ts'
import { type NativeDatabase, nativeDatabase } from './native.ts'

let database: NativeDatabase<unknown>

beforeAll(async () => {
  database = await nativeDatabase()
})
afterAll(() => database.close())

const step = (text: string) => ({ up: (db: Kysely<unknown>) => run(db, text) })

async function run(db: Kysely<unknown>, text: string): Promise<void> {
  await sql.raw(text).execute(db)
}

/** Steps that fail when they run twice, slow enough for two processes to meet in them. */
const steps = (schema: string): Migrations => ({
  '001-first': step(`create table ${schema}.first (id int); select pg_sleep(0.2)`),
  '002-second': step(`alter table ${schema}.first add column name text`),
})

test('steps run once, in order, and later ones are added to them', async () => {
  const { db } = database
  const all = steps('forward')
  const first = { '001-first': all['001-first'] ?? step('') }
  expect(await migrate({ db, schema: 'forward', migrations: first })).toEqual(['001-first'])
  expect(await migrate({ db, schema: 'forward', migrations: all })).toEqual(['002-second'])
  expect(await migrate({ db, schema: 'forward', migrations: all })).toEqual([])
  await run(db, `insert into forward.first values (1, 'x')`)
})

test('of several processes that start at once one migrates and all go on', async () => {
  const pools = [1, 2, 3, 4, 5].map(() => openPool({ url: database.url, max: 2, log }))
  // Connected beforehand, so that they really meet.
  await Promise.all(pools.map((pool) => pool.query('select 1')))
  const ran = await Promise.all(
    pools.map((pool) =>
      migrate({ db: openKysely(pool), schema: 'atOnce', migrations: steps('"atOnce"') }),
    ),
  )
  expect(ran.flat().toSorted()).toEqual(['001-first', '002-second'])
  await Promise.all(pools.map((pool) => pool.end()))
})

test('a database that a newer program migrated is refused', async () => {
  const { db } = database
  const migrations = steps('newer')
  const later = { ...migrations, '003-of-tomorrow': step('select 1') }
  await migrate({ db, schema: 'newer', migrations: later })
  await expect(migrate({ db, schema: 'newer', migrations })).rejects.toThrow(
    /newer than this program: schema newer has 003-of-tomorrow/,
  )
})

test('a step that fails leaves nothing behind and can be repaired', async () => {
  const { db } = database
  const migrations = { ...steps('broken'), '003-broken': step('select 1 / 0') }
  await expect(migrate({ db, schema: 'broken', migrations })).rejects.toThrow(
    /Migration 003-broken of schema broken failed; nothing was changed/,
  )
  await expect(run(db, 'select * from broken.first')).rejects.toMatchObject({ code: '42P01' })
  const repaired = { ...steps('broken'), '003-broken': step('select 1') }
  expect(await migrate({ db, schema: 'broken', migrations: repaired })).toHaveLength(3)
})
