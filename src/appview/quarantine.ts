import { lockAccounts } from './account.ts'
import type { Indexer, Kept } from './index-record.ts'
import { recordUri } from './reference.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'

/** Which of the refused records are meant; what is left out means all. */
export type Which = {
  readonly reason?: string
  readonly collection?: string
  readonly place?: { readonly did: string; readonly collection: string; readonly rkey: string }
}

/** A record that is kept and not shown. */
export type Quarantined = Kept & {
  readonly uri: string
  readonly reason: string
  readonly detail: string
}

/** A commit or another message that was not taken in. */
export type RefusedCommit = {
  readonly host: string
  readonly seq: string
  readonly did: string
  readonly reason: string
  readonly detail: string
  readonly frame: Buffer
  readonly refusedAt: Date
}

/** What became of a record when it was judged again; no reason means that it is shown now. */
export type Replayed = { readonly record: Quarantined; readonly reason: string | undefined }

const PAGE = 500

/** The refused records that are kept, page by page, in the order of their uris. */
export async function* quarantined(sql: Sql, which: Which): AsyncGenerator<Quarantined[]> {
  for (let after = ['', '', '']; ;) {
    const { rows } = await sql.query<Omit<Quarantined, 'uri'>>(
      `${SELECT} and (did, collection, rkey) > ($6, $7, $8)
       order by did, collection, rkey limit ${PAGE}`,
      [...filter(which), ...after],
    )
    const last = rows.at(-1)
    if (!last) return
    yield rows.map(withUri)
    after = [last.did, last.collection, last.rkey]
  }
}

const SELECT = `select did, collection, rkey, rev, cid, bytes, "indexedAt", reason, detail
  from appview.record where reason is not null and cid is not null
    and ($1::text is null or reason = $1) and ($2::text is null or collection = $2)
    and ($3::text is null or (did = $3 and collection = $4 and rkey = $5))`

function filter({ reason, collection, place }: Which): (string | null)[] {
  const at = [place?.did ?? null, place?.collection ?? null, place?.rkey ?? null]
  return [reason ?? null, collection ?? null, ...at]
}

function withUri(row: Omit<Quarantined, 'uri'>): Quarantined {
  return { ...row, uri: recordUri(row.did, row.collection, row.rkey) }
}

/** The newest refused commits first; `frame` is empty where none was kept. */
export async function refusedCommits(
  sql: Sql,
  { reason }: Pick<Which, 'reason'>,
): Promise<RefusedCommit[]> {
  const { rows } = await sql.query<RefusedCommit>(
    `select host, seq, did, reason, detail, frame, "refusedAt" from appview."refusedCommit"
     where $1::text is null or reason = $1 order by "refusedAt" desc, id desc`,
    [reason ?? null],
  )
  return rows
}

/** Judges the refused records again by the rules of this program and shows those that are good
 *  now. Each page is a transaction that waits for whoever writes for the same accounts, so that it
 *  is safe beside a running node; broken off, it is simply begun again. */
export async function* replay(
  pool: SqlPool,
  indexer: Indexer,
  which: Which,
): AsyncGenerator<readonly Replayed[]> {
  for await (const page of quarantined(pool, which))
    yield await transaction(pool, (tx) => replayPage(tx, indexer, page))
}

async function replayPage(
  tx: Sql,
  indexer: Indexer,
  page: readonly Quarantined[],
): Promise<readonly Replayed[]> {
  const { held } = await lockAccounts(
    tx,
    page.map(({ did }) => did),
  )
  const shown = page.filter(({ did }) => {
    const standing = held.get(did)
    return standing?.upstream === 'active' && standing.own === null
  })
  // Newer versions may have come since the page was read.
  const { rows } = await tx.query<Omit<Quarantined, 'uri'>>(STILL, [
    shown.map(({ did }) => did),
    shown.map(({ collection }) => collection),
    shown.map(({ rkey }) => rkey),
  ])
  const outcomes = await indexer.restoreAll(tx, rows)
  return rows.map((row, n) => {
    const outcome = outcomes[n]!
    return {
      record: withUri(row),
      reason: typeof outcome === 'object' ? outcome.refused : undefined,
    }
  })
}

const STILL = `select r.did, r.collection, r.rkey, r.rev, r.cid, r.bytes, r."indexedAt", r.reason,
    r.detail
  from unnest($1::text[], $2::text[], $3::text[]) v(did, collection, rkey)
  join appview.record r using (did, collection, rkey)
  where r.reason is not null and r.cid is not null
  order by did, collection, rkey`
