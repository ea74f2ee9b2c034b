import type { Clock } from '../../clock.ts'
import type { Sql } from '../sql.ts'
import type { KarmaOptions } from './keep-karma.ts'

type Meeting = Pick<KarmaOptions, 'sql' | 'bornAt' | 'clock' | 'log'>

const AT_ONCE = 50
/** Who could not say how old they are is asked again after a day. */
const AGAIN_MS = 86_400_000

/** Finds out how old an account is, unless that is known. An account whose age cannot be found out
 *  now stays unknown. */
export async function meet({ sql, bornAt, clock, log }: Meeting, did: string): Promise<void> {
  const known = await sql.query(KNOWN, [did, againBefore(clock)])
  if (known.rows.length > 0) return
  try {
    const born = await bornAt(did)
    await sql.query(KEEP, [did, born ?? null, clock.now()])
  } catch (err) {
    log.warn({ did, err }, 'how old an account is cannot be found out now')
  }
}

const againBefore = (clock: Clock) => new Date(clock.now().getTime() - AGAIN_MS)

const KNOWN = `select 1 from node."accountBirth"
  where did = $1 and ("bornAt" is not null or "askedAt" >= $2)`

const KEEP = `insert into node."accountBirth" (did, "bornAt", "askedAt") values ($1, $2, $3)
  on conflict (did) do update set "bornAt" = excluded."bornAt", "askedAt" = excluded."askedAt"`

/** Some of those who have given awards and whose age is not known. */
export async function unmet({ sql, clock }: { sql: Sql } & Pick<Meeting, 'clock'>) {
  const { rows } = await sql.query<{ did: string }>(UNMET, [againBefore(clock), AT_ONCE])
  return rows.map(({ did }) => did)
}

const UNMET = `select distinct a.did from appview.award a
  left join node."accountBirth" b on b.did = a.did
  where b.did is null or (b."bornAt" is null and b."askedAt" < $1) limit $2`
