import { type SqlPool, transaction } from '../../database/sql.ts'
import type { DueRepo, FollowStore } from './follow-store.ts'

type DueRepos = Pick<FollowStore, 'due' | 'dueOf' | 'beginWhole' | 'done' | 'later'>

const COLUMNS = 'space, did, mark, whole, attempts, host'
const OF = 'where space = $1 and did = $2'

/** Keeps in schema `repo` which repos are to be fetched, and when. */
export function postgresDueRepos(pool: SqlPool): DueRepos {
  return {
    async due({ now, limit, exceptHosts, except }) {
      const { rows } = await pool.query<DueRepo>(DUE, [
        now,
        limit,
        exceptHosts,
        except.map(({ space }) => space),
        except.map(({ did }) => did),
      ])
      return rows
    },
    async dueOf(space, did) {
      const text = `select ${COLUMNS} from repo."followRepo" ${OF}`
      return (await pool.query<DueRepo>(text, [space, did])).rows[0]
    },
    async beginWhole({ space, did }) {
      await pool.query(`update repo."followRepo" set whole = true ${OF}`, [space, did])
    },
    done: ({ space, did, mark }) =>
      transaction(pool, async (tx) => {
        const text = `delete from repo."followRepo" ${OF} and mark = $3`
        if ((await tx.query(text, [space, did, mark])).rowCount !== 0) return
        // Views that were rebuilt meanwhile do not hold what was fetched: that is to come again.
        const again = `update repo."followRepo" set whole = whole and coalesce(reason = 'Rebuilt', false),
          reason = null, attempts = 0 ${OF}`
        await tx.query(again, [space, did])
      }),
    async later({ space, did }, { retryAt, attempts, host, reason }) {
      const text = `update repo."followRepo"
        set "nextAt" = $3, attempts = $4, host = $5, reason = $6 ${OF}`
      await pool.query(text, [space, did, retryAt, attempts, host, reason])
    },
  }
}

const DUE = `select ${COLUMNS} from repo."followRepo"
  where "nextAt" <= $1 and (host is null or host <> all ($3::text[]))
    and (space, did) not in (select * from unnest($4::text[], $5::text[]))
  order by "nextAt" limit $2`
