import type { AccountChange } from '../firehose/plan.ts'
import type { Standing } from '../firehose/standing.ts'
import type { Indexer } from './index-record.ts'
import { keptPages } from './kept-pages.ts'
import { plannedOnce } from './planned-once.ts'
import type { Sql } from './sql.ts'

const PAGE = 500

/** The account's row, made when it is first heard of, and locked: per account, one at a time. */
export async function noteAccount(
  tx: Sql,
  did: string,
  now: Date,
): Promise<{ readonly hidden: boolean }> {
  const { held } = await lockAccounts(tx, [did], now)
  const standing = held.get(did)
  return { hidden: standing !== undefined && (standing.upstream !== 'active' || !!standing.own) }
}

/** Where accounts stand, as a `select` of their rows. */
export const STANDING = `did, state, "stateReason" as reason, rev, data, status as upstream,
  "localStatus" as own, pds, "handedOut"`

/** Locks the accounts' rows in one order for all transactions, until the transaction ends. Those
 *  not heard of before get a row when a time for it is given, and are left out of the answer. */
export async function lockAccounts(
  tx: Sql,
  dids: readonly string[],
  now?: Date,
): Promise<{ held: Map<string, Standing>; followed: Set<string> }> {
  const sorted = [...new Set(dids)].toSorted()
  const held = new Map<string, Standing>()
  const followed = new Set<string>()
  const lock = async (some: readonly string[]) => {
    const { rows } = await plannedOnce(tx).query<Standing & { followed: boolean }>(LOCK, [some])
    for (const { followed: in_, ...standing } of rows) {
      held.set(standing.did, standing)
      if (in_) followed.add(standing.did)
    }
  }
  await lock(sorted)
  const missing = sorted.filter((did) => !held.has(did))
  if (missing.length === 0 || now === undefined) return { held, followed }
  const made = await tx.query<{ did: string }>(MAKE, [missing, now])
  const ours = new Set(made.rows.map(({ did }) => did))
  // Another transaction has made these in the same moment.
  const others = missing.filter((did) => !ours.has(did))
  if (others.length > 0) await lock(others)
  return { held, followed }
}

const LOCK = `select ${STANDING}, followed from appview.account where did = any($1)
  order by did collate "C" for update`
const MAKE = `insert into appview.account (did, "updatedAt")
  select did, $2 from unnest($1::text[]) did on conflict do nothing returning did`

/** Writes what becomes of accounts whose rows are locked. */
export async function changeAccounts(
  tx: Sql,
  changes: ReadonlyMap<string, AccountChange>,
  now: Date,
): Promise<void> {
  if (changes.size === 0) return
  const rows = [...changes.values()].map(({ standing, handle, due }) => ({
    ...standing,
    handle,
    named: handle !== undefined,
    attempts: due?.attempts,
    at: due?.at,
  }))
  await plannedOnce(tx).query(CHANGE, [JSON.stringify(rows), now])
}

const CHANGE = `update appview.account a set state = v.state, rev = v.rev, data = v.data,
    pds = v.pds, status = v.upstream, "handedOut" = v."handedOut",
    handle = case when v.named then v.handle else a.handle end,
    "stateReason" = case when v.attempts is null then a."stateReason" else v.reason end,
    "resyncAt" = case when v.attempts is null then a."resyncAt" else v.at end,
    attempts = case v.attempts when 'none' then 0 when 'more' then a.attempts + 1
      else a.attempts end,
    "updatedAt" = $2
  from json_to_recordset($1::json) as v(did text, state text, rev text, data text, pds text,
    upstream text, "handedOut" text, handle text, named boolean, attempts text, reason text,
    at timestamptz)
  where a.did = v.did`

/** Indexes again, page by page, what is kept of one account that is active again. */
export async function showAgain(tx: Sql, indexer: Indexer, did: string): Promise<void> {
  for await (const page of keptPages(tx, { did, size: PAGE })) await indexer.restoreAll(tx, page)
}
