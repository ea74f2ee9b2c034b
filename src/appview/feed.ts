import type { Brief, Change, Changes } from './changes.ts'
import type { Collection } from './define.ts'
import type { Sql } from './sql.ts'

/** The Postgres channel that says whose feed has grown. */
export const FEED_CHANNEL = 'angelos_feed'

type Entry = {
  readonly owner: string
  readonly collection: string
  readonly uri: string
  readonly action: 'created' | 'updated' | 'deleted'
}

/** Appends to the live feeds of the DIDs concerned what readers see differently after a batch: one
 *  entry for a record, however often the batch touched it, and none for one that came and went. The
 *  heads' row locks are held until commit, so within one feed numbers become visible in their
 *  order. Entries of records come in the order of `places`, those of others' rows after them. */
export async function appendToFeeds(
  tx: Sql,
  collections: readonly Collection[],
  { changes, places }: { changes: Changes; places: ReadonlyMap<string, number> },
): Promise<void> {
  const placed = ({ uri }: Entry) => places.get(uri) ?? places.size
  const entries = collections
    .flatMap((c) => (c.feed ? changes.of(c).flatMap((change) => entriesOf(c, change)) : []))
    .toSorted((a, b) => placed(a) - placed(b))
  if (entries.length === 0) return
  const byOwner = Map.groupBy(entries, ({ owner }) => owner)
  const owners = [...byOwner.keys()].toSorted()
  const { rows } = await tx.query<{ owner: string; seq: string }>(HEADS, [
    owners,
    owners.map((owner) => byOwner.get(owner)!.length),
  ])
  const numbered = rows.flatMap(({ owner, seq }) => {
    const of = byOwner.get(owner)!
    return of.map((entry, n) => ({ ...entry, seq: Number(seq) - of.length + 1 + n }))
  })
  await tx.query(APPEND, [JSON.stringify(numbered)])
  await tx.query('select pg_notify($1, o) from unnest($2::text[]) o', [FEED_CHANNEL, owners])
  await trim(
    tx,
    rows.map(({ owner, seq }) => ({
      owner,
      first: Number(seq) - byOwner.get(owner)!.length + 1,
      last: Number(seq),
    })),
  )
}

const HEADS = `insert into appview."feedHead" as h (owner, seq)
  select o, n from unnest($1::text[], $2::bigint[]) u(o, n)
  on conflict (owner) do update set seq = h.seq + excluded.seq returning owner, seq`

const APPEND = `insert into appview.feed (owner, seq, collection, uri, action)
  select owner, seq, collection, uri, action from json_to_recordset($1::json)
    as v(owner text, seq bigint, collection text, uri text, action text)`

/** How many of its newest entries a feed keeps; who comes back later lists what they missed. */
const KEPT = 100_000
const TRIM_EVERY = 1_000

/** Drops the oldest entries of those feeds whose numbers have passed a round thousand. */
async function trim(
  tx: Sql,
  grown: readonly { owner: string; first: number; last: number }[],
): Promise<void> {
  const due = grown.filter(
    ({ first, last }) =>
      last > KEPT && Math.floor(last / TRIM_EVERY) !== Math.floor((first - 1) / TRIM_EVERY),
  )
  if (due.length === 0) return
  await tx.query(
    `delete from appview.feed f using unnest($1::text[], $2::bigint[]) u(owner, upto)
     where f.owner = u.owner and f.seq <= u.upto`,
    [due.map(({ owner }) => owner), due.map(({ last }) => last - KEPT)],
  )
}

/** What the feeds tell of one change; a row that changes feeds leaves one and comes to another. */
function entriesOf(c: Collection, { before, after }: Change): Entry[] {
  const was = visible(c, before) ? before : undefined
  const is = visible(c, after) ? after : undefined
  const entry = (row: Brief, action: Entry['action']): Entry => ({
    owner: feedOf(c, row),
    collection: c.nsid,
    uri: row.uri,
    action,
  })
  if (was && is && feedOf(c, was) === feedOf(c, is))
    return was.cid === is.cid ? [] : [entry(is, 'updated')]
  return [...(was ? [entry(was, 'deleted')] : []), ...(is ? [entry(is, 'created')] : [])]
}

/** What is permissioned has a feed of its own for each place: even the gaps between the numbers of
 *  a feed that others read would tell them how much is going on there. */
function feedOf(c: Collection, row: Brief): string {
  return row.place === '' ? String(row[c.feed!]) : row.place
}

/** Whether readers see this row. */
function visible(c: Collection, row: Brief | undefined): boolean {
  if (row === undefined || (c.hidden !== undefined && row[c.hidden] === true)) return false
  return c.shown === undefined || row[c.shown] === true
}
