import { expect, onTestFinished, test } from 'vitest'
import { migrations } from '../src/appview/migrations/index.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import { Indexer } from '../src/appview/index-record.ts'
import { migrate } from '../src/database/migrate.ts'
import { NOW } from './appview-database.ts'
import { pgliteDatabase } from './database/pglite.ts'
import { rev } from './record.ts'

test('what was read and held before repos had a state is kept, and built upon', async () => {
  const database = await pgliteDatabase()
  const { db, pool } = database
  onTestFinished(() => database.close())
  const { '0001-first': first } = migrations
  await migrate({ db, schema: 'node', migrations: { '0001-first': first! } })
  const account = (name: string, row: string) =>
    pool.query(
      `insert into appview.account (did, followed, rev, data, status, pds, handle, "updatedAt")
       values ('did:plc:${name}', ${row}, 'https://pds.example', '${name}.test', now())`,
    )
  await account('ada', `true, '${rev(2)}', 'tree', 'active'`)
  await account('ben', `true, null, null, 'active'`)
  await account('eve', `false, '${rev(3)}', 'tree', 'takendown'`)
  await pool.query(
    `insert into appview.record (did, collection, rkey, cid, rev, bytes, "indexedAt")
     values ('did:plc:ada', 'app.example.note', 'a', 'bafy', '${rev(2)}', 'x', now())`,
  )
  await pool.query(`insert into appview.host values ('https://pds.example', 42, now())`)

  await migrate({ db, schema: 'node', migrations })
  const sql = pool as unknown as SqlPool
  const store = createSyncStore({ pool: sql, indexer: new Indexer([]), clock: { now: () => NOW } })
  const standings = await store.standings(['did:plc:ada', 'did:plc:ben', 'did:plc:eve'])
  expect(Object.fromEntries(standings)).toMatchObject({
    'did:plc:ada': { state: 'synchronized', rev: rev(2), data: 'tree', upstream: 'active' },
    'did:plc:ben': { state: 'desynchronized', rev: null },
    'did:plc:eve': { state: 'synchronized', rev: rev(3), upstream: 'takendown' },
  })
  expect(await store.cursorOf('https://pds.example')).toBe(42)
  expect(await store.held('did:plc:ada', '', 10)).toEqual([
    { path: 'app.example.note/a', cid: 'bafy' },
  ])
  expect(await store.followed()).toHaveLength(2)
  expect(await store.hosts()).toEqual([])
})
