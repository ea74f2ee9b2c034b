import { type LexValue, getMain, lexToJson } from '@atproto/lex'
import { describe, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import type { Collection } from '../src/appview/define.ts'
import { present } from '../src/appview/look.ts'
import { tableName } from '../src/appview/schema.ts'
import { findRow, listRows } from '../src/appview/serve-list.ts'
import { transaction } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { silentLog } from '../src/log.ts'
import { appViewDatabase } from './appview-database.ts'
import { deletionOf, exampleWrite, rev } from './record.ts'

const ORIGIN = 'https://node.example'
const VIEWER = 'did:plc:viewer'

const spaceReader = (c: Collection) => `
  insert into appview.membership (uri, place, cid, did, rkey, rev, "indexedAt", subject,
    role, permissions, status, "joinedAt", active)
  select distinct 'at://' || a, t.place, '', a, $1, '', now(), $1, 'owner', '{}'::text[],
    'active', now(), true
  from ${tableName(c.table)} t, split_part(t.place, '/', 3) a where t.place <> ''`

/** Of memberships themselves there are no more than there were: they become the viewer's. */
const tenantReader = (c: Collection) =>
  c.table === 'tenantMembership'
    ? `update appview."tenantMembership" set subject = $1, status = 'active'`
    : `insert into appview."tenantMembership" (uri, place, cid, did, rkey, rev, "indexedAt",
         subject, role, permissions, status, "joinedAt")
       select distinct 'at://' || a, t.place, '', a, $1, '', now(), $1, 'tenant_admin',
         '{}'::text[], 'active', now()
       from ${tableName(c.table)} t, split_part(t.place, '/', 3) a where t.place <> ''`

describe.each(collections)('$nsid', (c) => {
  const good = c.examples.good[0]!
  const open = async () => {
    const made = await appViewDatabase()
    /** Rows of this kind are shown, and to the viewer, whatever other records they need. */
    const reveal = async () => {
      if (c.shown) await made.pool.query(`update ${tableName(c.table)} set "${c.shown}" = true`)
      await made.pool.query(c.access.of === 'tenant' ? tenantReader(c) : spaceReader(c), [VIEWER])
    }
    return { ...made, reveal, all: () => made.rows(c) }
  }

  test('good examples are indexed', async () => {
    const { write, all } = await open()
    for (const [n, example] of c.examples.good.entries())
      expect(await write(await exampleWrite(c, example, n + 2))).toBe('indexed')
    expect(await all()).toHaveLength(c.examples.good.length)
  })

  test.each(Object.entries(c.examples.bad))('%s is refused and kept', async (reason, example) => {
    const { write, all, pool } = await open()
    expect(await write(await exampleWrite(c, example))).toEqual({ refused: reason })
    expect(await all()).toEqual([])
    const kept = await pool.query(
      'select reason from appview.record union all select reason from appview."spaceRecord"',
    )
    expect(kept.rows).toEqual([{ reason }])
  })

  test('a record that breaks the lexicon is refused and kept', async () => {
    const { write, all } = await open()
    const record = Object.fromEntries(Object.keys(good.record).map((key) => [key, 7]))
    const outcome = await write(await exampleWrite(c, { ...good, record }))
    expect(outcome).toEqual({ refused: 'SchemaMismatch' })
    expect(await all()).toEqual([])
  })

  test('writing twice is the same as once, and deleting leaves nothing', async () => {
    const { write, all } = await open()
    const first = await exampleWrite(c, good)
    await write(first)
    const once = await all()
    expect(await write(first)).toBe('older')
    expect(await all()).toEqual(once)
    expect(await write(deletionOf(first, rev(3)))).toBe('removed')
    expect(await all()).toEqual([])
  })

  test('an older write after a newer one changes nothing, even after a deletion', async () => {
    const { write, all } = await open()
    const first = await exampleWrite(c, good)
    await write({ ...first, rev: rev(5) })
    const newest = await all()
    expect(await write({ ...first, rev: rev(4) })).toBe('older')
    expect(await write(deletionOf(first, rev(4)))).toBe('older')
    expect(await all()).toEqual(newest)
    await write(deletionOf(first, rev(6)))
    expect(await write(first)).toBe('older')
    expect(await all()).toEqual([])
  })

  test('a valid record that turns invalid is no longer shown', async () => {
    const { write, all } = await open()
    const first = await exampleWrite(c, good)
    await write(first)
    const record = Object.fromEntries(Object.keys(good.record).map((key) => [key, 7]))
    await write({ ...(await exampleWrite(c, { ...good, record })), rkey: first.rkey, rev: rev(3) })
    expect(await all()).toEqual([])
  })

  test('hiding the author leaves nothing shown, and what is kept brings it back', async () => {
    const { write, all, pool, indexer } = await open()
    const first = await exampleWrite(c, good)
    await write(first)
    const before = await all()
    await transaction(pool, (tx) => indexer.hide(tx, first.did))
    expect(await all()).toEqual([])
    const { cid, bytes } = first
    const kept = { ...first, cid: cid!, bytes: bytes!, indexedAt: before[0]!.indexedAt }
    await transaction(pool, (tx) => indexer.restore(tx, kept))
    expect(await all()).toEqual(before)
  })

  if (c.get) {
    test('its get answers what its lexicon promises', async () => {
      const { write, pool, reveal } = await open()
      const first = await exampleWrite(c, good)
      await write(first)
      await reveal()
      const at = { sql: pool, viewer: VIEWER }
      const row = await findRow(at, c, `at://${first.did}/${c.nsid}/${first.rkey}`)
      const [view] = await present(c, [row!], { sql: pool, origin: ORIGIN })
      getMain(c.get!).output.schema!.check(view)
      expect(lexToJson(view as LexValue)).toEqual(JSON.parse(JSON.stringify(view)))
    })
  }

  test.each(c.lists.map((list) => ({ list, nsid: getMain(list.query).nsid })))(
    '$nsid answers what its lexicon promises, page by page',
    async ({ list }) => {
      const { write, pool, reveal } = await open()
      const more = [2, 3, 4].map((n) => exampleWrite(c, { ...good, did: `did:plc:author${n}` }, n))
      for (const w of c.nsid.includes('.spaces.channel') ? [exampleWrite(c, good)] : more)
        await write(await w)
      await reveal()
      const seen: string[] = []
      for (let cursor: string | undefined; ;) {
        const at = { sql: pool, viewer: VIEWER }
        const page = await listRows(at, c, list, { limit: 1, cursor })
        const items = await present(c, page.rows, {
          sql: pool,
          origin: ORIGIN,
          viewer: VIEWER,
        })
        getMain(list.query).output.schema!.check({ items, cursor: page.cursor })
        seen.push(...page.rows.map((row) => row.uri))
        if (!page.cursor) break
        cursor = page.cursor
      }
      const rows = await pool.query(`select 1 from ${tableName(c.table)}`)
      expect(seen).toHaveLength(rows.rows.length)
      expect(new Set(seen).size).toBe(seen.length)
      const parameters = getMain(list.query).parameters.shapeValidators
      for (const name of Object.keys(list.where)) expect([...parameters.keys()]).toContain(name)
    },
  )
})

test('making the tables anew is no news to those who listen', async () => {
  const { pool, indexer, write, rows } = await appViewDatabase()
  const channel = collections.find((c) => c.feed === 'space' && !c.shown)!
  await write(await exampleWrite(channel, channel.examples.good[0]!))
  const feed = async () => (await pool.query('select * from appview.feed')).rows
  const before = [await rows(channel), await feed()]
  await pool.query(`delete from appview."viewTable"`)
  for (const c of collections) await pool.query(`drop table ${tableName(c.table)}`)
  await prepareViewTables({ pool, indexer, log: silentLog })
  expect([await rows(channel), await feed()]).toEqual(before)
})
