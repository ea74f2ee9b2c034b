import type { Sql } from './sql.ts'

/** The DID behind a DID or a handle; a handle counts only when it is known to be its account's. */
export async function resolveActor(sql: Sql, actor: string): Promise<string | undefined> {
  if (actor.startsWith('did:')) return actor
  const { rows } = await sql.query<{ did: string }>(
    { name: 'handle', text: 'select did from appview.account where handle = $1' },
    [actor.toLowerCase()],
  )
  return rows[0]?.did
}
