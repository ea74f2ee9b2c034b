import type { Indexer, Kept, Write } from '../appview/index-record.ts'
import { type Sql, type SqlPool, transaction } from '../appview/sql.ts'
import type { RepoRecord } from '../firehose/signed-repo.ts'
import { noteRebuilt } from './books.ts'
import { NEXT, inSchema } from './in-schema.ts'
import type { NoRepo, TakenRepo } from './sources.ts'

/** An account as the old views have it, and what has been taken in of it. */
export type Account = {
  readonly did: string
  readonly rev: string | null
  readonly hidden: boolean
}

/** Where records are put, and how: loading leaves figures for later and tells nobody. */
export type Filling = {
  readonly pool: SqlPool
  readonly indexer: Indexer
  readonly now: Date
  readonly bulk: boolean
}

const PAGE = 1_000

/** Takes in a repo of which nothing counts yet, page by page; killed before its last page, it is
 *  begun again. A record that the old views have in the same version keeps their time for it. */
export async function takeInRepo(
  filling: Filling,
  { did, hidden }: Account,
  repo: TakenRepo,
): Promise<void> {
  const { records, rev, data, from, pds, handle } = repo
  for (let at = 0; at === 0 || at < records.length; at += PAGE) {
    await transaction(filling.pool, async (tx) => {
      await tx.query('set local synchronous_commit = off')
      if (at === 0) await clear(tx, filling.indexer, did)
      const kept = await keep(tx, { did, rev, now: filling.now }, records.slice(at, at + PAGE))
      await show(tx, filling, kept, hidden)
      if (at + PAGE < records.length) return
      await tx.query(TOMBSTONES, [did, rev])
      await noteRebuilt(tx, { did, rev, data, hidden, from, pds, handle, detail: null })
    })
  }
}

/** Takes what the old views have of an account, because there is no repo to be had. */
export async function takeInKept(
  filling: Filling,
  account: Account & { readonly data: string | null },
  why: NoRepo,
): Promise<void> {
  await transaction(filling.pool, async (tx) => {
    await clear(tx, filling.indexer, account.did)
    const copied = await copyKept(tx, filling, account, null)
    const from = copied > 0 ? 'views' : 'nowhere'
    const told = { pds: null, handle: null, detail: `${why.reason}: ${why.detail}` }
    await noteRebuilt(tx, { ...account, from, ...told })
  })
}

/** Copies what the old views have of an account since a revision, deletions as well, and answers
 *  how many records that were. Their bytes are judged anew. */
export async function copyKept(
  tx: Sql,
  filling: Filling,
  { did, hidden }: Account,
  since: string | null,
): Promise<number> {
  let copied = 0
  for (let after = ['', '']; ;) {
    const { rows } = await tx.query<Version>(COPY, [did, since, ...after, PAGE])
    await show(tx, filling, rows, hidden)
    copied += rows.length
    const last = rows.at(-1)
    if (!last) return copied
    after = [last.collection, last.rkey]
  }
}

/** A version that is kept, or a deletion. */
export type Version = Omit<Kept, 'cid' | 'bytes'> & { cid: string | null; bytes: Uint8Array | null }

/** What an attempt that was killed has left. */
async function clear(tx: Sql, indexer: Indexer, did: string): Promise<void> {
  const left = await tx.query(`delete from ${NEXT}.record where did = $1`, [did])
  if (left.rowCount) await indexer.hide(inSchema(tx, NEXT), did, { quiet: true })
}

/** Keeps a page of a repo; what the old views know of the same versions is taken over. */
async function keep(
  tx: Sql,
  { did, rev, now }: { did: string; rev: string; now: Date },
  records: readonly RepoRecord[],
): Promise<Kept[]> {
  let at = 1
  const rows = records.map(({ bytes, ...record }) => {
    const row = { ...record, at, size: bytes.length }
    at += bytes.length
    return row
  })
  const bytes = new Map(records.map((r) => [`${r.collection}/${r.rkey}`, r.bytes]))
  const all = Buffer.concat(records.map((r) => r.bytes))
  const kept = await tx.query<Omit<Kept, 'bytes' | 'did'>>(KEEP, [
    did,
    rev,
    now,
    JSON.stringify(rows),
    all,
  ])
  return kept.rows.map((r) => ({ ...r, did, bytes: bytes.get(`${r.collection}/${r.rkey}`)! }))
}

const KEEP = `insert into ${NEXT}.record (did, collection, rkey, cid, rev, bytes, "indexedAt")
  select $1, v.collection, v.rkey, v.cid, coalesce(o.rev, $2),
    substring($5::bytea from v.at for v.size), coalesce(o."indexedAt", $3::timestamptz)
  from json_to_recordset($4::json) as v(collection text, rkey text, cid text, at int, size int)
  left join appview.record o on o.did = $1 and o.collection = v.collection and o.rkey = v.rkey
    and o.cid = v.cid
  returning collection, rkey, cid, rev, "indexedAt"`

/** Deletions known to the old views still refuse what is older than they are. */
const TOMBSTONES = `insert into ${NEXT}.record (did, collection, rkey, rev, "indexedAt")
  select did, collection, rkey, rev, "indexedAt" from appview.record
  where did = $1 and cid is null and rev <= $2 on conflict do nothing`

const COPY = `with page as (
    select did, collection, rkey, cid, rev, bytes, "indexedAt" from appview.record
    where did = $1 and ($2::text is null or rev > $2) and (collection, rkey) > ($3, $4)
    order by collection, rkey limit $5),
  kept as (
    insert into ${NEXT}.record as r (did, collection, rkey, cid, rev, bytes, "indexedAt")
    select did, collection, rkey, cid, rev, bytes, "indexedAt" from page
    on conflict (did, collection, rkey) do update set cid = excluded.cid, rev = excluded.rev,
      bytes = excluded.bytes, "indexedAt" = excluded."indexedAt", reason = null, detail = null)
  select * from page order by collection, rkey`

/** Judges versions that are kept and makes the tables show them. */
export async function show(
  tx: Sql,
  { indexer, now, bulk }: Filling,
  versions: readonly Version[],
  hidden: boolean,
): Promise<void> {
  const next = inSchema(tx, NEXT)
  const isThere = (v: Version): v is Kept => v.cid !== null
  const there = hidden ? [] : versions.filter(isThere)
  if (bulk) await indexer.loadKept(next, there)
  else await indexer.restoreAll(next, there, { quiet: true })
  // Deletions, and what is only kept, are written again as they stand.
  const others: Write[] = versions
    .filter((v) => hidden || !isThere(v))
    .map((v) => ({ ...v, hidden }))
  if (others.length === 0) return
  if (bulk) await indexer.load(next, others, { now, force: true })
  else await indexer.writeAll(next, others, { now, force: true, quiet: true })
}
