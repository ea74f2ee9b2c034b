import type { Sql } from './sql.ts'
import type { Refusal } from './verify-record.ts'

/** A record's version, or its deletion, with what was found about it. */
export type Judged = {
  readonly did: string
  readonly collection: string
  readonly rkey: string
  /** The permissioned space it is in; absent or empty for a public repo. */
  readonly place?: string
  readonly rev: string
  readonly cid: string | null
  readonly bytes: Uint8Array | null
  readonly refusal?: Refusal
}

/** A text that tells versions apart by where they are. */
export function keyOf(w: Pick<Judged, 'did' | 'collection' | 'rkey' | 'place'>): string {
  return `${w.place ?? ''} ${w.did}/${w.collection}/${w.rkey}`
}

/** Keeps versions as they came, at most one of each record, in one order for all transactions.
 *  Answers which were newer than what is kept, with the time since when that content is here. With
 *  `force`, versions of the revision that is kept are taken as well. */
export async function keepRecords(
  tx: Sql,
  versions: readonly Judged[],
  how: { now: Date; force?: boolean },
): Promise<ReadonlyMap<string, Date>> {
  const [open, inSpaces] = parted(versions)
  const kept = new Map<string, Date>()
  if (open.length > 0) await keepIn(tx, PUBLIC, open, { ...how, kept })
  if (inSpaces.length > 0) await keepIn(tx, IN_SPACES, inSpaces, { ...how, kept })
  return kept
}

/** Those of public repos, and those of permissioned ones. */
function parted(versions: readonly Judged[]): readonly [Judged[], Judged[]] {
  const { open = [], closed = [] } = Object.groupBy(versions, ({ place }) =>
    place ? 'closed' : 'open',
  )
  return [open, closed]
}

async function keepIn(
  tx: Sql,
  table: Statements,
  versions: readonly Judged[],
  { now, force = false, kept }: { now: Date; force?: boolean; kept: Map<string, Date> },
): Promise<void> {
  let at = 1
  const sorted = versions.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const rows = sorted.map(({ bytes, refusal, ...version }) => {
    const row = { ...version, ...reasonOf(refusal), at, size: bytes?.length ?? null }
    at += bytes?.length ?? 0
    return row
  })
  const all = Buffer.concat(sorted.flatMap(({ bytes }) => (bytes ? [bytes] : [])))
  const found = await tx.query<Judged & { indexedAt: Date }>(force ? table.keepAgain : table.keep, [
    JSON.stringify(rows),
    all,
    now,
  ])
  for (const row of found.rows) kept.set(keyOf(row), row.indexedAt)
}

/** Notes what is now found about records that are kept already. */
export async function judgeAgain(tx: Sql, records: readonly Judged[]): Promise<void> {
  const [open, inSpaces] = parted(records)
  const rowsOf = (some: readonly Judged[]) =>
    JSON.stringify(
      some.map(({ did, collection, rkey, place, refusal }) => ({
        did,
        collection,
        rkey,
        place,
        ...reasonOf(refusal),
      })),
    )
  if (open.length > 0) await tx.query(PUBLIC.judge, [rowsOf(open)])
  if (inSpaces.length > 0) await tx.query(IN_SPACES.judge, [rowsOf(inSpaces)])
}

const DETAIL_MAX = 1_000

/** The detail may quote what Postgres cannot hold. */
function reasonOf(refusal: Refusal | undefined): { reason: string | null; detail: string | null } {
  const detail = refusal?.detail.slice(0, DETAIL_MAX).replaceAll('\0', '\uFFFD').toWellFormed()
  return { reason: refusal?.reason ?? null, detail: detail ?? null }
}

type Statements = { readonly keep: string; readonly keepAgain: string; readonly judge: string }

/** The statements of a table of kept records, whose key is `keys`. */
function statementsOf(table: string, keys: readonly string[]): Statements {
  const key = keys.join(', ')
  const typed = keys.map((name) => `${name} text`).join(', ')
  // A record's newest version wins, deletes included; `rev` decides, not the order of arrival. The
  // bytes of all come one after another in $2, each from `at` (counted from 1).
  const keep = (newer: '<' | '<=') => `insert into ${table} as r
    (${key}, cid, rev, bytes, reason, detail, "indexedAt")
    select ${keys.map((name) => `v.${name}`).join(', ')}, v.cid, v.rev,
      substring($2::bytea from v.at for v.size), v.reason, v.detail, $3::timestamptz
    from json_to_recordset($1::json) as v(${typed}, cid text, rev text, at int, size int,
      reason text, detail text)
    on conflict (${key}) do update set cid = excluded.cid, rev = excluded.rev,
      bytes = excluded.bytes, reason = excluded.reason, detail = excluded.detail,
      "indexedAt" = case when r.cid = excluded.cid then r."indexedAt" else excluded."indexedAt" end
    where r.rev ${newer} excluded.rev
    returning ${key}, "indexedAt"`
  return {
    keep: keep('<'),
    keepAgain: keep('<='),
    judge: `update ${table} r set reason = v.reason, detail = v.detail
      from json_to_recordset($1::json) as v(${typed}, reason text, detail text)
      where ${keys.map((name) => `r.${name} = v.${name}`).join(' and ')}
        and (r.reason is distinct from v.reason or r.detail is distinct from v.detail)`,
  }
}

const PUBLIC = statementsOf('appview.record', ['did', 'collection', 'rkey'])
const IN_SPACES = statementsOf('appview."spaceRecord"', ['did', 'collection', 'rkey', 'place'])
