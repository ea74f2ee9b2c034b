import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import type { FollowStore, FollowedSpace } from './follow-store.ts'
import { postgresDueRepos } from './postgres-due-repos.ts'

const SPACES = `select f.space, f.state, f.reason, f.checkpoint, f."registeredUntil",
    f."nextSweepAt", array(select r.did from repo."followReader" r where r.space = f.space
      order by r.did) as readers
  from repo.follow f`

/** Keeps in schema `repo` which spaces are followed, by whom, and how far. */
export function postgresFollowStore(pool: SqlPool): FollowStore {
  return {
    async spaces(after, limit) {
      const text = `${SPACES} where f.space > $1 order by f.space limit $2`
      return (await pool.query<FollowedSpace>(text, [after, limit])).rows
    },
    async spaceOf(space) {
      return (await pool.query<FollowedSpace>(`${SPACES} where f.space = $1`, [space])).rows[0]
    },
    follow: (space, reader, now) =>
      transaction(pool, async (tx) => {
        await tx.query(FOLLOW, [space, now])
        if (reader !== null) await tx.query(ADD_READER, [space, reader])
      }),
    async unfollow(space, reader) {
      const text = 'delete from repo."followReader" where space = $1 and did = $2'
      await pool.query(text, [space, reader])
    },
    note: (space, told) => transaction(pool, (tx) => note(tx, space, told)),
    async registered(space, until) {
      const text = 'update repo.follow set "registeredUntil" = $2 where space = $1'
      await pool.query(text, [space, until])
    },
    async swept(space, next) {
      const text = `update repo.follow set "nextSweepAt" = $2
        where space = $1 and state = 'following'`
      await pool.query(text, [space, next])
    },
    async resume(space) {
      const text = `update repo.follow set state = 'following', reason = null
        where space = $1 and state = 'stopped'`
      await pool.query(text, [space])
    },
    stop: (space, reason, askAgainAt) =>
      transaction(pool, async (tx) => {
        const { rowCount } = await tx.query(STOP, [space, reason, askAgainAt])
        if (rowCount === 0) return
        await tx.query('delete from repo."followRepo" where space = $1', [space])
      }),
    forgotten: (space) => transaction(pool, (tx) => forgotten(tx, space)),
    ...postgresDueRepos(pool),
  }
}

const FOLLOW = `insert into repo.follow (space, state, "nextSweepAt")
  values ($1, 'following', $2)
  on conflict (space) do update set
    reason = case follow.state when 'following' then follow.reason end,
    "nextSweepAt" = case follow.state when 'following' then follow."nextSweepAt"
      else excluded."nextSweepAt" end`

const ADD_READER = `insert into repo."followReader" (space, did) values ($1, $2)
  on conflict do nothing`

/** In order of DIDs, so that two that note the same repos wait and do not end each other. */
const MAKE_DUE = `insert into repo."followRepo" (space, did, "nextAt")
  select $1, did, $3 from unnest($2::text[]) did order by did
  on conflict (space, did) do update set mark = "followRepo".mark + 1`

const MOVE = `update repo.follow set checkpoint = $3
  where space = $1 and checkpoint is not distinct from $2`

const STOP = `update repo.follow set state = 'forgetting', reason = $2, checkpoint = null,
    "registeredUntil" = null, "nextSweepAt" = $3
  where space = $1 and state <> 'forgetting'`

async function note(
  tx: Sql,
  space: string,
  { dids, move, now }: Parameters<FollowStore['note']>[1],
): Promise<boolean> {
  const locked = 'select state from repo.follow where space = $1 for update'
  const { rows } = await tx.query<{ state: string }>(locked, [space])
  if (rows[0]?.state !== 'following') return false
  if (dids.length > 0) await tx.query(MAKE_DUE, [space, [...new Set(dids)], now])
  if (move !== undefined) await tx.query(MOVE, [space, move.from, move.to])
  return true
}

async function forgotten(tx: Sql, space: string): Promise<void> {
  const text = `select exists (select from repo."followReader" r where r.space = f.space) as kept
    from repo.follow f where space = $1 and state = 'forgetting' for update`
  const { rows } = await tx.query<{ kept: boolean }>(text, [space])
  const [row] = rows
  if (row === undefined) return
  const then = row.kept
    ? `update repo.follow set state = 'stopped' where space = $1`
    : 'delete from repo.follow where space = $1'
  await tx.query(then, [space])
}
