import type { Clock } from '../../clock.ts'
import { type SqlPool, transaction } from '../../database/sql.ts'
import { emptyRepo } from './delete-repo.ts'
import type { RepoAt } from './repo-reads.ts'

/** A record that was kept for a member whose own host had no spaces. */
export type LocalRecord = {
  collection: string
  rkey: string
  cid: string
  rev: string
  bytes: Uint8Array
  evidence: { iss: string; lxm: string; jti: string } | null
}

/**
 * Answers the local records of an author in a space and removes them, in one transaction: for when
 * the author's own repo has come to hold them. The views are not told, as this repo's rev says
 * nothing about that one's: who lifts has them forget the repo first and then take the other in.
 */
export function lift(options: { pool: SqlPool; clock: Clock }, at: RepoAt): Promise<LocalRecord[]> {
  const values = [at.space, at.did]
  return transaction(options.pool, async (tx) => {
    const { rows: local } = await tx.query(
      `select 1 from repo.repo where space = $1 and did = $2 and source = 'local'
       and "deletedAt" is null for update`,
      values,
    )
    if (local.length === 0) return []
    const { rows } = await tx.query<LocalRecord>(
      `select collection, rkey, cid, rev, bytes, evidence from repo.record
       where space = $1 and did = $2 order by collection, rkey`,
      values,
    )
    await emptyRepo(tx, at, options.clock.now())
    await tx.query('delete from repo.change where space = $1 and did = $2', values)
    return rows
  })
}
