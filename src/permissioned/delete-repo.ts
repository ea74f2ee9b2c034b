import type { Clock } from '../clock.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { laterTid } from '../tid.ts'
import type { RepoAt } from './repo-reads.ts'
import { revoke } from './credentials.ts'
import { SetHash } from './set-hash.ts'
import { TELL_FOR_MS } from './write-statement.ts'

const EMPTY = Buffer.from(new SetHash().state())
const TABLES = ['record', 'oplog', '"blobRef"', 'outbox', 'writer', 'forward']

/** Deletes a repo with its log, in one transaction, and has the views forget it. Its rev is left,
 *  and a later repo of the same author and space is newer. Answers whether there was one. */
export function deleteRepo(options: { pool: SqlPool; clock: Clock }, at: RepoAt): Promise<boolean> {
  return transaction(options.pool, (tx) => emptyRepo(tx, at, options.clock.now()))
}

/** The same within a transaction. */
export async function emptyRepo(tx: Sql, { space, did }: RepoAt, now: Date): Promise<boolean> {
  const { rows } = await tx.query<{ rev: string }>(
    `select rev from repo.repo where space = $1 and did = $2 and "deletedAt" is null for update`,
    [space, did],
  )
  if (!rows[0]) return false
  // Who remembers the rev of the repo that was must not take it for that of the empty one.
  const rev = laterTid(rows[0].rev)
  await tx.query(
    `update repo.repo set rev = $3, "setHash" = $4, "opsSince" = $3, "deletedAt" = $5
     where space = $1 and did = $2`,
    [space, did, rev, EMPTY, now],
  )
  for (const table of TABLES) {
    await tx.query(`delete from repo.${table} where space = $1 and did = $2`, [space, did])
  }
  await tx.query(
    `insert into repo.change (space, did, rev) values ($1, $2, $3)
     on conflict (space, did) do update set rev = excluded.rev`,
    [space, did, rev],
  )
  return true
}

/**
 * Deletes all that is kept for an account that is gone for good: its repos in every space, its
 * grants, memberships and credentials, and the spaces it is the authority of, which stay as
 * tombstones. Each repo in a transaction of its own, so that it may be repeated after a crash.
 * Bytes of its blobs go with the next sweep. Answers how many repos there were.
 */
export async function deleteAccount(
  options: { pool: SqlPool; clock: Clock },
  did: string,
): Promise<number> {
  const { pool, clock } = options
  const { rows } = await pool.query<RepoAt>(
    'select space, did from repo.repo where did = $1 and "deletedAt" is null',
    [did],
  )
  for (const at of rows) await deleteRepo(options, at)
  await transaction(pool, async (tx) => {
    for (const table of ['grant', 'credential', 'member']) {
      await tx.query(`delete from repo.${table} where did = $1`, [did])
    }
    await tx.query('delete from repo.admission where authority = $1 or subject = $1', [did])
    const spaces = await tx.query<{ space: string }>(
      'select space from repo.space where authority = $1 and "deletedAt" is null',
      [did],
    )
    for (const { space } of spaces.rows) await burySpace(tx, space, clock.now())
  })
  return rows.length
}

/** Makes a space a tombstone, in a transaction: nobody gets a credential for it any more, and its
 *  syncers are to be told. Repos of its members stay with them. */
export async function burySpace(tx: Sql, space: string, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update repo.space set "deletedAt" = $2 where space = $1 and "deletedAt" is null',
    [space, now],
  )
  if (!rowCount) return false
  const until = new Date(now.getTime() + TELL_FOR_MS)
  await tx.query(
    `insert into repo.notice (space, "to", kind, subject, "nextAt", until)
     select space, service, 'deleted', '', $2, $3 from repo.syncer
     where space = $1 and "expiresAt" > $2 on conflict do nothing`,
    [space, now, until],
  )
  await revoke(tx, { space }, now)
  for (const table of ['syncer', 'forward', 'member', 'writer']) {
    await tx.query(`delete from repo.${table} where space = $1`, [space])
  }
  return true
}
