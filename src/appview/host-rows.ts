import type { HostRow, Listing } from '../firehose/store.ts'
import { plannedOnce } from './planned-once.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'

/** Where a host's stream was applied up to by every part of the accounts; undefined when one part
 *  has applied none of it. */
export async function cursorOf(sql: Sql, host: string): Promise<number | undefined> {
  const { rows } = await sql.query<{ cursor: string | null }>(
    `select case when bool_and(cursor is not null) then min(cursor) end as cursor
     from appview.cursor where host = $1`,
    [host],
  )
  const cursor = rows[0]?.cursor ?? undefined
  return cursor === undefined ? undefined : Number(cursor)
}

/** Makes sure that each of `shards` parts has its row before one of them moves on alone, or the
 *  others' would not be missed after a crash. All begin where the last of those before was. */
export async function prepareCursors(
  pool: SqlPool,
  { host, shards, now }: { host: string; shards: number; now: Date },
): Promise<void> {
  await transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ shard: number }>(
      'select shard from appview.cursor where host = $1 order by shard for update',
      [host],
    )
    if (rows.length === shards && rows.every(({ shard }, n) => shard === n)) return
    const cursor = await cursorOf(tx, host)
    await tx.query('delete from appview.cursor where host = $1', [host])
    if (shards === 1 && cursor === undefined) return
    await tx.query(
      `insert into appview.cursor (host, shard, cursor, "updatedAt")
       select $1, shard, $3, $4 from generate_series(0, $2::int - 1) shard`,
      [host, shards, cursor ?? null, now],
    )
  })
}

/** Moves the cursor of some parts of a host's accounts. */
export async function moveCursors(
  tx: Sql,
  { host, shards, cursor, now }: { host: string; shards: number[]; cursor: number; now: Date },
): Promise<void> {
  await plannedOnce(tx).query(
    `insert into appview.cursor (host, shard, cursor, "updatedAt")
     select $1, shard, $3, $4 from unnest($2::int[]) shard order by shard
     on conflict (host, shard)
       do update set cursor = excluded.cursor, "updatedAt" = excluded."updatedAt"`,
    [host, shards, cursor, now],
  )
}

/** The hosts known, in the order of their names. */
export async function readHosts(sql: Sql, only?: string): Promise<HostRow[]> {
  const { rows } = await sql.query<Omit<HostRow, 'listing'> & Listing>(
    `select host, kind, "namedBy", whole, banned,
       "listingCursor" as cursor, "listingDone" as done
     from appview.host where host = $1 or $1::text is null order by host collate "C"`,
    [only ?? null],
  )
  return rows.map(({ cursor, done, ...row }) => ({ ...row, listing: { cursor, done } }))
}

/** Adds a host, or changes it. */
export async function writeHost(sql: Sql, row: HostRow, now: Date): Promise<void> {
  const { host, kind, namedBy, whole, banned, listing } = row
  await sql.query(
    `insert into appview.host
       (host, kind, "namedBy", whole, banned, "listingCursor", "listingDone", "updatedAt")
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (host) do update set kind = excluded.kind, "namedBy" = excluded."namedBy",
       whole = excluded.whole, banned = excluded.banned, "updatedAt" = excluded."updatedAt",
       "listingCursor" = excluded."listingCursor", "listingDone" = excluded."listingDone"`,
    [host, kind, namedBy, whole, banned, listing.cursor, listing.done, now],
  )
}

/** Notes how far a host's accounts have been listed. */
export async function noteListing(
  sql: Sql,
  { host, listing, now }: { host: string; listing: Listing; now: Date },
): Promise<void> {
  await sql.query(
    `update appview.host set "listingCursor" = $2, "listingDone" = $3, "updatedAt" = $4
     where host = $1`,
    [host, listing.cursor, listing.done, now],
  )
}
