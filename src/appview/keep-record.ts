import type { Sql } from './sql.ts'
import type { Refusal } from './verify-record.ts'

/** A record's version, or its deletion, with what was found about it. */
export type Judged = {
  readonly did: string
  readonly collection: string
  readonly rkey: string
  readonly rev: string
  readonly cid: string | null
  readonly bytes: Uint8Array | null
  readonly refusal?: Refusal
}

/** Where a record is, as a text that tells records apart. */
export function placeOf(w: Pick<Judged, 'did' | 'collection' | 'rkey'>): string {
  return `${w.did}/${w.collection}/${w.rkey}`
}

/** Keeps versions as they came, at most one of each record, in one order for all transactions.
 *  Answers which were newer than what is kept, with the time since when that content is here. With
 *  `force`, versions of the revision that is kept are taken as well. */
export async function keepRecords(
  tx: Sql,
  versions: readonly Judged[],
  { now, force = false }: { now: Date; force?: boolean },
): Promise<ReadonlyMap<string, Date>> {
  let at = 1
  const sorted = versions.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
  const rows = sorted.map(({ bytes, refusal, ...version }) => {
    const row = { ...version, ...reasonOf(refusal), at, size: bytes?.length ?? null }
    at += bytes?.length ?? 0
    return row
  })
  const all = Buffer.concat(sorted.flatMap(({ bytes }) => (bytes ? [bytes] : [])))
  const { rows: kept } = await tx.query<Judged & { indexedAt: Date }>(force ? KEEP_AGAIN : KEEP, [
    JSON.stringify(rows),
    all,
    now,
  ])
  return new Map(kept.map((row) => [placeOf(row), row.indexedAt]))
}

/** Notes what is now found about records that are kept already. */
export async function judgeAgain(tx: Sql, records: readonly Judged[]): Promise<void> {
  const rows = records.map(({ did, collection, rkey, refusal }) => ({
    did,
    collection,
    rkey,
    ...reasonOf(refusal),
  }))
  await tx.query(JUDGE, [JSON.stringify(rows)])
}

const DETAIL_MAX = 1_000

/** The detail may quote what Postgres cannot hold. */
function reasonOf(refusal: Refusal | undefined): { reason: string | null; detail: string | null } {
  const detail = refusal?.detail.slice(0, DETAIL_MAX).replaceAll('\0', '\uFFFD').toWellFormed()
  return { reason: refusal?.reason ?? null, detail: detail ?? null }
}

/** A record's newest version wins, deletes included; `rev` decides, not the order of arrival. The
 *  bytes of all come one after another in $2, each from `at` (counted from 1). */
const keepSql = (newer: '<' | '<=') => `insert into appview.record as r
  (did, collection, rkey, cid, rev, bytes, reason, detail, "indexedAt")
  select v.did, v.collection, v.rkey, v.cid, v.rev, substring($2::bytea from v.at for v.size),
    v.reason, v.detail, $3::timestamptz
  from json_to_recordset($1::json) as v(did text, collection text, rkey text, cid text, rev text,
    at int, size int, reason text, detail text)
  on conflict (did, collection, rkey) do update set cid = excluded.cid, rev = excluded.rev,
    bytes = excluded.bytes, reason = excluded.reason, detail = excluded.detail,
    "indexedAt" = case when r.cid = excluded.cid then r."indexedAt" else excluded."indexedAt" end
  where r.rev ${newer} excluded.rev
  returning did, collection, rkey, "indexedAt"`

const KEEP = keepSql('<')
const KEEP_AGAIN = keepSql('<=')

const JUDGE = `update appview.record r set reason = v.reason, detail = v.detail
  from json_to_recordset($1::json)
    as v(did text, collection text, rkey text, reason text, detail text)
  where r.did = v.did and r.collection = v.collection and r.rkey = v.rkey
    and (r.reason is distinct from v.reason or r.detail is distinct from v.detail)`
