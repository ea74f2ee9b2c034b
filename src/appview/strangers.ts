import type { Collection } from './define.ts'
import { tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** Accounts that rows of these collections name, as `namedIn` says, and that have no row of their
 *  own, ascending by DID. Reads the tables from end to end. */
export async function strangers(
  sql: Sql,
  collections: readonly Collection[],
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const named = collections.flatMap(namesIn)
  const { rows } = await sql.query<{ did: string }>(
    `select did from (${named.join(' union ')}) named
     where did collate "C" > $1
       and not exists (select 1 from appview.account a where a.did = named.did)
     order by did collate "C" limit $2`,
    [after, limit],
  )
  return rows.map(({ did }) => did)
}

function namesIn(c: Collection): string[] {
  const accounts = Object.keys(c.columns).filter((name) => c.columns[name]?.names === 'account')
  const names = new Set([...accounts, ...c.people])
  names.delete('did')
  return [...names].map((name) => {
    const isList = c.columns[name]?.sql === 'text[]'
    const from = `${tableName(c.table)} row${isList ? `, unnest("${name}") one` : ''}`
    const value = isList ? 'one' : `"${name}"`
    return `select ${value} as did from ${from} where ${value} <> row.did`
  })
}
