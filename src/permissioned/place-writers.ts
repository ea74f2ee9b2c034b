import type { Clock } from '../clock.ts'
import type { SqlPool } from '../database/sql.ts'
import type { Decide } from './access.ts'
import type { HostedSpace } from './hosted-spaces.ts'
import type { SyncerPort } from './ports.ts'
import { orderWriters } from './writers.ts'

type Parts = {
  pool: SqlPool
  clock: Clock
  nextTid: () => string
  decide: Decide
  /** who follows spaces here; a node tells itself nothing over the wire */
  syncer: () => SyncerPort | undefined
}

/**
 * Gives the repos that have written since their place in the order of a space, and has its syncers
 * told; answers how many. A repo that the write policy does not admit is not tracked; one of which
 * that cannot be found out now stays in line. Others are asked before anything is locked.
 */
export async function placeWriters(parts: Parts, space: HostedSpace): Promise<number> {
  const { pool, decide } = parts
  const { rows } = await pool.query<{ did: string }>(
    `select did from repo.writer where space = $1 and "spaceRev" is null
     order by rev, did limit 500`,
    [space.space],
  )
  if (rows.length === 0) return 0
  const said = new Map(
    await Promise.all(
      rows.map(async ({ did }) => [did, await decide(space, did, 'write')] as const),
    ),
  )
  const strangers = rows.filter(({ did }) => said.get(did) === 'no').map(({ did }) => did)
  if (strangers.length > 0)
    await pool.query(
      'delete from repo.writer where space = $1 and did = any($2) and "spaceRev" is null',
      [space.space, strangers],
    )
  const placed = await orderWriters(parts, space.space, async (did) => said.get(did) === 'yes')
  for (const { did: repo, rev: repoRev, hash, spaceRev, prevSpaceRev } of placed) {
    const prev = prevSpaceRev !== null && { prevSpaceRev }
    const notice = { space: space.space, repo, repoRev, hash, spaceRev, ...prev }
    await parts.syncer()?.notified(notice)
  }
  return placed.length
}
