import type { Indexer } from './index-record.ts'
import type { Sql } from './sql.ts'

/** What the AppView knows of an account while it applies its events. */
export type Account = {
  readonly rev: string | null
  readonly hidden: boolean
  readonly deleted: boolean
}

/** The account's row, made when it is first heard of, and locked: per account, one at a time. */
export async function noteAccount(tx: Sql, did: string, now: Date): Promise<Account> {
  const find = `select rev, status <> 'active' or "localStatus" is not null as hidden,
      status = 'deleted' as deleted
    from appview.account where did = $1 for update`
  const found = await tx.query<Account>(find, [did])
  if (found.rows[0]) return found.rows[0]
  await tx.query(
    `insert into appview.account (did, "updatedAt") values ($1, $2) on conflict do nothing`,
    [did, now],
  )
  return (await tx.query<Account>(find, [did])).rows[0]!
}

/** Takes over the status an account's host tells (atproto.com/specs/account). While an account is
 *  not active its records are kept and nothing of them is shown or counted. */
export async function setStatus(
  tx: Sql,
  indexer: Indexer,
  { did, status, now }: { did: string; status: string; now: Date },
): Promise<void> {
  const before = await noteAccount(tx, did, now)
  const { rows } = await tx.query<{ hidden: boolean }>(
    `update appview.account set status = $2, "updatedAt" = $3 where did = $1
     returning status <> 'active' or "localStatus" is not null as hidden`,
    [did, status, now],
  )
  const hidden = rows[0]!.hidden
  if (hidden && !before.hidden) await indexer.hide(tx, did)
  if (!hidden && before.hidden) await showAgain(tx, indexer, did)
}

/** Forgets everything an account wrote. Its row stays, so that a late frame brings nothing back. */
export async function forgetAccount(
  tx: Sql,
  indexer: Indexer,
  did: string,
  now: Date,
): Promise<void> {
  await noteAccount(tx, did, now)
  await indexer.hide(tx, did)
  await tx.query('delete from appview.record where did = $1', [did])
  await tx.query(
    `update appview.account set status = 'deleted', handle = null, "updatedAt" = $2 where did = $1`,
    [did, now],
  )
}

type Kept = {
  did: string
  collection: string
  rkey: string
  rev: string
  cid: string
  bytes: Uint8Array
  indexedAt: Date
}

/** Indexes again, page by page, what is kept of one account, or quietly of all. */
export async function showAgain(tx: Sql, indexer: Indexer, did?: string): Promise<number> {
  const quiet = did === undefined
  let shown = 0
  for (let after = ['', '', '']; ;) {
    const { rows } = await tx.query<Kept>(
      `select did, collection, rkey, rev, cid, bytes, "indexedAt" from appview.record r
       where cid is not null and (did, collection, rkey) > ($1, $2, $3)
         and ($4::text is null or did = $4)
         and not exists (select 1 from appview.account a where a.did = r.did
                         and (a.status <> 'active' or a."localStatus" is not null))
       order by did, collection, rkey limit 500`,
      [...after, did ?? null],
    )
    for (const record of rows) await indexer.restore(tx, record, { quiet })
    shown += rows.length
    const last = rows.at(-1)
    if (!last) return shown
    after = [last.did, last.collection, last.rkey]
  }
}
