import type { Sql } from '../sql.ts'

/** How many published certificates do not hold, by the reason that is kept with each. */
export async function refusedCertificates(sql: Sql): Promise<Record<string, number>> {
  const { rows } = await sql.query<{ reason: string; n: number }>(REFUSED)
  return Object.fromEntries(rows.map(({ reason, n }) => [reason, n]))
}

const REFUSED = `select reason, count(*)::int as n from node."tokenJudgement"
  where reason is not null group by reason`
