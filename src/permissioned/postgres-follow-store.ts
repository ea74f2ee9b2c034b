import { type SqlPool, transaction } from '../database/sql.ts'
import type { DueRepo, FollowStore, FollowedSpace } from './follow-store.ts'

const SPACE = 'space, readers, state, reason, checkpoint, "registeredUntil", "nextSweepAt"'
const DUE = 'space, did, mark, whole, attempts, host'

/** Keeps in `repo.follow` which spaces are followed, and in `repo."followRepo"` which of their repos
 *  are to be fetched: what a process that was killed had begun is gone on with. */
export function createFollowStore(pool: SqlPool): FollowStore {
  const run = async (text: string, values: unknown[]) => {
    const { rowCount } = await pool.query(text, values)
    return (rowCount ?? 0) > 0
  }
  return {
    ...readsOf(pool),
    async follow(space, reader, now) {
      await run(FOLLOW, [space, reader, now])
    },
    async unfollow(space, reader) {
      await run('update repo.follow set readers = array_remove(readers, $2) where space = $1', [
        ...[space, reader],
      ])
    },
    note: (space, told) => note(pool, space, told),
    async registered(space, until) {
      await run('update repo.follow set "registeredUntil" = $2 where space = $1', [space, until])
    },
    async swept(space, next) {
      await run(
        `update repo.follow set "nextSweepAt" = $2 where space = $1 and state = 'following'`,
        [space, next],
      )
    },
    async resume(space) {
      await run(
        `update repo.follow set state = 'following', reason = null
         where space = $1 and state = 'stopped'`,
        [space],
      )
    },
    async stop(space, reason, askAgainAt) {
      await transaction(pool, async (tx) => {
        const { rowCount } = await tx.query(STOP, [space, reason, askAgainAt])
        if (rowCount === 1)
          await tx.query('delete from repo."followRepo" where space = $1', [space])
      })
    },
    async forgotten(space) {
      await transaction(pool, async (tx) => {
        await tx.query(
          `delete from repo.follow where space = $1 and state = 'forgetting' and readers = '{}'`,
          [space],
        )
        await tx.query(
          `update repo.follow set state = 'stopped' where space = $1 and state = 'forgetting'`,
          [space],
        )
      })
    },
    async beginWhole({ space, did }) {
      await run('update repo."followRepo" set whole = true where space = $1 and did = $2', [
        ...[space, did],
      ])
    },
    async done({ space, did, mark }) {
      // Views that were rebuilt meanwhile do not hold what was fetched: again the whole is wanted.
      await transaction(pool, async (tx) => {
        const values = [space, did, mark]
        await tx.query(
          'delete from repo."followRepo" where space = $1 and did = $2 and mark = $3',
          values,
        )
        await tx.query(
          `update repo."followRepo" set whole = whole and reason is not distinct from 'Rebuilt',
             reason = null, attempts = 0
           where space = $1 and did = $2 and mark <> $3`,
          values,
        )
      })
    },
    async later({ space, did }, { retryAt, attempts, host, reason }) {
      await run(
        `update repo."followRepo" set "nextAt" = $3, attempts = $4, host = $5, reason = $6
         where space = $1 and did = $2`,
        [space, did, retryAt, attempts, host, reason.slice(0, 500)],
      )
    },
  }
}

function readsOf(pool: SqlPool): Pick<FollowStore, 'spaces' | 'spaceOf' | 'due' | 'dueOf'> {
  return {
    async spaces(after, limit) {
      const { rows } = await pool.query<FollowedSpace>(
        `select ${SPACE} from repo.follow where space > $1 order by space limit $2`,
        [after, limit],
      )
      return rows
    },
    async spaceOf(space) {
      const text = `select ${SPACE} from repo.follow where space = $1`
      return (await pool.query<FollowedSpace>(text, [space])).rows[0]
    },
    async due({ now, limit, exceptHosts, except }) {
      const { rows } = await pool.query<DueRepo>(
        `select ${DUE} from repo."followRepo"
         where "nextAt" <= $1 and (host is null or host <> all($3::text[]))
           and (space, did) not in (select * from unnest($4::text[], $5::text[]))
         order by "nextAt", space, did limit $2`,
        [
          ...[now, limit, exceptHosts],
          ...[except.map(({ space }) => space), except.map(({ did }) => did)],
        ],
      )
      return rows
    },
    async dueOf(space, did) {
      const text = `select ${DUE} from repo."followRepo" where space = $1 and did = $2`
      return (await pool.query<DueRepo>(text, [space, did])).rows[0]
    },
  }
}

const FOLLOW = `insert into repo.follow as f (space, readers, state, "nextSweepAt")
  values ($1, array_remove(array[$2::text], null), 'following', $3)
  on conflict (space) do update set
    readers = case when $2 is null or $2 = any(f.readers) then f.readers
      else (select array_agg(r order by r collate "C") from unnest(f.readers || $2::text) r) end,
    reason = case when f.state = 'following' then f.reason end,
    "nextSweepAt" = case when f.state = 'following' then f."nextSweepAt" else $3 end`

const STOP = `update repo.follow set state = 'forgetting', reason = $2, checkpoint = null,
    "registeredUntil" = null, "nextSweepAt" = $3
  where space = $1 and state <> 'forgetting'`

function note(
  pool: SqlPool,
  space: string,
  { dids, move, now }: Parameters<FollowStore['note']>[1],
): Promise<boolean> {
  return transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ state: string }>(
      'select state from repo.follow where space = $1 for update',
      [space],
    )
    if (rows[0]?.state !== 'following') return false
    await tx.query(
      `insert into repo."followRepo" as r (space, did, "nextAt")
       select distinct $1, d, $3::timestamptz from unnest($2::text[]) d
       on conflict (space, did) do update set mark = r.mark + 1`,
      [space, dids, now],
    )
    if (move)
      await tx.query(
        `update repo.follow set checkpoint = $3
         where space = $1 and checkpoint is not distinct from $2`,
        [space, move.from, move.to],
      )
    return true
  })
}
