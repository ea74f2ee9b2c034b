import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import { pgliteDatabase } from './pglite.ts'

test('the unit test engine migrates, has our extensions and answers like the driver', async () => {
  const database = await pgliteDatabase()
  const { pool, db } = database
  const up = async (tx: typeof db) => {
    await sql`create extension btree_gist`.execute(tx)
    await sql`create extension pg_trgm`.execute(tx)
    await sql`create table node.busy (did text, during tstzrange,
      exclude using gist (did with =, during with &&))`.execute(tx)
  }
  const migrations = { '001-busy': { up } }
  expect(await migrate({ db, schema: 'node', migrations })).toEqual(['001-busy'])
  const insert = () =>
    pool.query(`insert into node.busy values ('did:a', '[2026-01-01, 2026-01-02)')`)
  await insert()
  await expect(insert()).rejects.toMatchObject({ code: '23P01' })
  const { rows } = await pool.query('select count(*) as n from node.busy')
  expect(rows).toEqual([{ n: '1' }])
  await database.close()
})
