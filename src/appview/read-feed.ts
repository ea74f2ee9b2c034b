import type { Collection, Row } from './define.ts'
import { visibleSql } from './readable.ts'
import { tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** One change in a live feed, as stored. */
export type FeedEntry = {
  readonly seq: number
  readonly collection: string
  readonly uri: string
  readonly action: 'created' | 'updated' | 'deleted'
  readonly at: Date
}

const PAGE = 100

/** The next entries after `cursor`, oldest first; one page, empty when there are none. */
export async function readFeed(sql: Sql, owner: string, cursor: number): Promise<FeedEntry[]> {
  const { rows } = await sql.query<Omit<FeedEntry, 'seq'> & { seq: string }>(
    {
      name: 'feed',
      text: `select seq, collection, uri, action, at from appview.feed
        where owner = $1 and seq > $2 order by seq limit ${PAGE}`,
    },
    [owner, cursor],
  )
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
}

/** The numbers a feed holds now: the oldest still kept and the newest given out. */
export async function feedBounds(
  sql: Sql,
  owner: string,
): Promise<{ oldest: number; newest: number }> {
  const { rows } = await sql.query<{ oldest: string | null; newest: string | null }>(
    `select (select min(seq) from appview.feed where owner = $1) as oldest,
            (select seq from appview."feedHead" where owner = $1) as newest`,
    [owner],
  )
  const newest = Number(rows[0]?.newest ?? 0)
  return { oldest: Number(rows[0]?.oldest ?? newest + 1), newest }
}

/** The shown rows with these uris that the viewer may read, by uri. */
export async function rowsByUri(
  { sql, viewer }: { readonly sql: Sql; readonly viewer: string | undefined },
  c: Collection,
  uris: readonly string[],
): Promise<ReadonlyMap<string, Row>> {
  if (uris.length === 0) return new Map()
  const where = [`t.uri = any($1)`, ...visibleSql(c, 't', '$2')].join(' and ')
  const { rows } = await sql.query<Row>(`select t.* from ${tableName(c.table)} t where ${where}`, [
    uris,
    viewer ?? '',
  ])
  return new Map(rows.map((row) => [row.uri, row]))
}
