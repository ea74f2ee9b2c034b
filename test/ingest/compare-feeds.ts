import { collections } from '../../src/appview/collections/index.ts'
import type { Collection, Row } from '../../src/appview/define.ts'
import { tableName } from '../../src/appview/schema.ts'
import type { Sql } from '../../src/appview/sql.ts'
import type { World } from './world.ts'

type Entry = { owner: string; seq: string; uri: string; action: string }

/** What the feeds have told twice, not at all, or out of turn. A record comes, changes and goes in
 *  that order, however often; and it is there in the end if readers see it. */
export async function wrongFeeds(sql: Sql, { accounts }: World): Promise<string[]> {
  const { rows } = await sql.query<Entry>(
    'select owner, seq, uri, action from appview.feed order by owner, seq',
  )
  const wrong: string[] = []
  const there = new Set<string>()
  const updates = new Map<string, number>()
  const last = new Map<string, number>()
  for (const { owner, seq, uri, action } of rows) {
    const before = last.get(owner) ?? 0
    if (Number(seq) !== before + 1) wrong.push(`the feed of ${owner} goes from ${before} to ${seq}`)
    last.set(owner, Number(seq))
    const name = `${owner} ${uri}`
    if (there.has(name) === (action === 'created')) wrong.push(`${action} ${uri} is told wrongly`)
    if (action === 'created') there.add(name)
    if (action === 'deleted') there.delete(name)
    if (action === 'updated') updates.set(uri, (updates.get(uri) ?? 0) + 1)
  }
  const puts = new Map(
    accounts.flatMap((a) => [...a.puts].map(([p, n]) => [`at://${a.did}/${p}`, n])),
  )
  for (const [uri, count] of updates)
    if (count > (puts.get(uri) ?? 0)) wrong.push(`${uri} is told as updated ${count} times`)
  const seen = await visible(sql)
  for (const name of seen) if (!there.has(name)) wrong.push(`nobody was told of ${name}`)
  for (const name of there) if (!seen.has(name)) wrong.push(`nobody was told that ${name} is gone`)
  return wrong
}

/** What readers of each feed see: the owners with the uris. */
async function visible(sql: Sql): Promise<Set<string>> {
  const all: string[] = []
  for (const c of collections) {
    const { feed } = c
    if (feed === undefined) continue
    const { rows } = await sql.query<Row>(`select * from ${tableName(c.table)}`)
    all.push(
      ...rows.filter((row) => isShown(c, row)).map((row) => `${String(row[feed])} ${row.uri}`),
    )
  }
  return new Set(all)
}

function isShown({ shown }: Collection, row: Row): boolean {
  return shown === undefined || row[shown] === true
}
