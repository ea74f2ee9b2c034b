import type { Clock } from '../clock.ts'
import type { Sql } from './sql.ts'

/** Notes that somebody has signed in now (`domain.md` D-05). */
export async function noteLogin(
  { sql, clock }: { sql: Sql; clock: Clock },
  did: string,
): Promise<void> {
  await sql.query(
    `insert into node.login as l (did, "lastLoginAt") values ($1, $2)
     on conflict (did) do update set
       "lastLoginAt" = greatest(l."lastLoginAt", excluded."lastLoginAt")`,
    [did, clock.now()],
  )
}

/** When somebody last signed in here; undefined for whoever never has. */
export async function lastLogin(sql: Sql, did: string): Promise<Date | undefined> {
  const { rows } = await sql.query<{ lastLoginAt: Date }>(
    'select "lastLoginAt" from node.login where did = $1',
    [did],
  )
  return rows[0]?.lastLoginAt
}
