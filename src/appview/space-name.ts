import type { Sql } from './sql.ts'

/** What a space is called in notices and letters. They stay with people who are out by then, so one
 *  that is not public has no name there. */
export async function spaceName(sql: Sql, space: string): Promise<string> {
  const { rows } = await sql.query<{ name: string }>(
    `select name from appview.space where did = $1 and place = ''`,
    [space],
  )
  return rows[0]?.name ?? 'a private space'
}
