import type { Indexer, Kept } from '../appview/index-record.ts'
import type { Sql } from '../appview/sql.ts'
import { noteRebuilt } from './books.ts'
import { showInSpaces } from './bring-over.ts'
import { NEXT, inSchema } from './in-schema.ts'
import { type Filling, copyKept } from './take-in.ts'

/** An account of which the old views know something that the new ones do not. */
export type Changed = {
  readonly did: string
  readonly rev: string | null
  readonly data: string | null
  readonly hidden: boolean
  readonly deleted: boolean
  /** whether anything was taken in of it, and up to where */
  readonly known: boolean
  readonly have: string | null
  readonly wasHidden: boolean
}

const PAGE = 500

/** The accounts that have changed since they were taken in. `thorough` also finds those of which
 *  only a record is newer, as one announced by its author; it reads all records for that. */
export async function changedAccounts(
  sql: Sql,
  { thorough = false } = {},
): Promise<readonly Changed[]> {
  const { rows } = await sql.query<Changed>(CHANGED, [thorough])
  return rows
}

const CHANGED = `select a.did, a.rev, a.data, a.hidden, a.deleted, r.did is not null as known,
    r.rev as have, coalesce(r.hidden, false) as "wasHidden"
  from (select did, rev, data, status = 'deleted' as deleted,
          status <> 'active' or "localStatus" is not null as hidden from appview.account) a
  left join ${NEXT}.rebuilt r on r.did = a.did
  where (r.did is null and not a.deleted) or a.rev > r.rev or (r.rev is null and a.rev is not null)
    or a.hidden <> r.hidden
    or ($1 and a.did in (select o.did from appview.record o join ${NEXT}.rebuilt h on h.did = o.did
      left join ${NEXT}.record n on n.did = o.did and n.collection = o.collection
        and n.rkey = o.rkey
      where (h.rev is null or o.rev > h.rev) and (n.rev is null or n.rev < o.rev)))
  order by a.did`

/** Brings the new tables to where the old ones have an account: what commits verified since have
 *  written, and whether it may be shown. Answers whether both hold the same records then. They do
 *  unless the old ones were wrong, or have got there by fetching the repo: then what was changed
 *  and changed back has left no trace, and the repo has to be taken in again. */
export async function catchUp(tx: Sql, filling: Filling, changed: Changed): Promise<boolean> {
  const { did, rev, data, hidden, deleted, wasHidden, have } = changed
  const { indexer } = filling
  const next = inSchema(tx, NEXT)
  if (deleted) {
    await indexer.hide(next, did, { quiet: true })
    await tx.query(`delete from ${NEXT}.record where did = $1`, [did])
  } else {
    if (hidden && !wasHidden) await indexer.hide(next, did, { quiet: true })
    await copyKept(tx, filling, changed, have)
    if (!hidden && wasHidden) {
      await showAll(tx, indexer, did)
      await showInSpaces(tx, filling, did)
    }
  }
  const newest = have !== null && (rev === null || have > rev) && !deleted ? have : rev
  const told = { from: 'views', pds: null, handle: null, detail: null } as const
  await noteRebuilt(tx, { did, rev: newest, data: newest === rev ? data : null, hidden, ...told })
  if (deleted || newest !== rev) return true
  return (await tx.query<{ same: boolean }>(SAME, [did])).rows[0]!.same
}

const RECORDS = (schema: string) =>
  `select collection, rkey, cid from ${schema}.record where did = $1 and cid is not null`
const SAME = `select not exists (select from (${RECORDS('appview')}) o
  full join (${RECORDS(NEXT)}) n using (collection, rkey)
  where o.cid is distinct from n.cid) as same`

/** Shows everything that is kept of an account that is active again. */
async function showAll(tx: Sql, indexer: Indexer, did: string): Promise<void> {
  for (let after = ['', '']; ;) {
    const { rows } = await tx.query<Kept>(
      `select did, collection, rkey, rev, cid, bytes, "indexedAt" from ${NEXT}.record
       where cid is not null and did = $1 and (collection, rkey) > ($2, $3)
       order by collection, rkey limit ${PAGE}`,
      [did, ...after],
    )
    await indexer.restoreAll(inSchema(tx, NEXT), rows, { quiet: true })
    const last = rows.at(-1)
    if (!last) return
    after = [last.collection, last.rkey]
  }
}
