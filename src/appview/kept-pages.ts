import type { Kept } from './index-record.ts'
import type { Sql } from './sql.ts'

/** All that is kept of one account, or of every account that is shown, page by page: records of
 *  public repos first, then those of permissioned ones. Deletions are left out. */
export async function* keptPages(
  sql: Sql,
  { did, size }: { did?: string; size: number },
): AsyncGenerator<readonly Kept[]> {
  const one = did === undefined ? [] : [did]
  for (const { name, key } of TABLES) {
    const columns = key.join(', ')
    const page = `select ${columns}, rev, cid, bytes, "indexedAt" from ${name} r
      where cid is not null and (${columns}) > (${key.map((_, n) => `$${n + 2}`).join(', ')})
        and ${did === undefined ? SHOWN : `r.did = $${key.length + 2}`}
      order by ${columns} limit $1`
    for (let after = key.map(() => ''); ;) {
      const { rows } = await sql.query<Kept & Record<string, string>>(page, [
        size,
        ...after,
        ...one,
      ])
      const last = rows.at(-1)
      if (!last) break
      yield rows
      after = key.map((column) => last[column]!)
    }
  }
}

const TABLES = [
  { name: 'appview.record', key: ['did', 'collection', 'rkey'] },
  { name: 'appview."spaceRecord"', key: ['did', 'collection', 'rkey', 'place'] },
]

const SHOWN = `not exists (select 1 from appview.account a where a.did = r.did
  and (a.status <> 'active' or a."localStatus" is not null))`
