import type { Change } from './derive.ts'
import type { Collection, Row } from './define.ts'
import type { Sql } from './sql.ts'

/** The Postgres channel that says whose feed has grown. */
export const FEED_CHANNEL = 'angelos_feed'

type Entry = { readonly action: 'created' | 'updated' | 'deleted'; readonly row: Row }

/** Appends to the live feeds of the DIDs concerned what readers see differently now. The head's row
 *  lock is held until commit, so within one feed numbers become visible in their order. */
export async function appendToFeeds(
  tx: Sql,
  c: Collection,
  changes: readonly Change[],
): Promise<void> {
  if (!c.feed) return
  const entries = changes.flatMap((change) => entryOf(c, change))
  for (const [owner, of] of Map.groupBy(entries, ({ row }) => String(row[c.feed!]))) {
    const { rows } = await tx.query<{ seq: string }>(
      `insert into appview."feedHead" as h (owner, seq) values ($1, $2)
       on conflict (owner) do update set seq = h.seq + excluded.seq returning seq`,
      [owner, of.length],
    )
    const first = Number(rows[0]!.seq) - of.length + 1
    await tx.query(
      `insert into appview.feed (owner, seq, collection, uri, action)
       select $1, $2 + n - 1, $3, u, a
       from unnest($4::text[], $5::text[]) with ordinality as t(u, a, n)`,
      [owner, first, c.nsid, of.map((e) => e.row.uri), of.map((e) => e.action)],
    )
    await tx.query('select pg_notify($1, $2)', [FEED_CHANNEL, owner])
    await trim(tx, owner, first, first + of.length - 1)
  }
}

/** How many of its newest entries a feed keeps; who comes back later lists what they missed. */
const KEPT = 100_000
const TRIM_EVERY = 1_000

/** Drops the oldest entries whenever the numbers pass a round thousand. */
async function trim(tx: Sql, owner: string, first: number, last: number): Promise<void> {
  if (Math.floor(last / TRIM_EVERY) === Math.floor((first - 1) / TRIM_EVERY)) return
  await tx.query('delete from appview.feed where owner = $1 and seq <= $2', [owner, last - KEPT])
}

function entryOf(c: Collection, { before, after }: Change): Entry[] {
  const [was, is] = [visible(c, before), visible(c, after)]
  if (after && is && !was) return [{ action: 'created', row: after }]
  if (before && was && !is) return [{ action: 'deleted', row: before }]
  if (after && is && before?.cid !== after.cid) return [{ action: 'updated', row: after }]
  return []
}

/** Whether readers see this row. */
export function visible(c: Collection, row: Row | undefined): boolean {
  return row !== undefined && (c.shown === undefined || row[c.shown] === true)
}
