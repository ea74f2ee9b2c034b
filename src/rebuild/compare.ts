import type { Collection } from '../appview/define.ts'
import { quote } from '../appview/schema.ts'
import type { Sql } from '../appview/sql.ts'
import { NEXT } from './in-schema.ts'

/** A row that differs, with those columns that do; a side without it has none. */
export type Difference = {
  readonly table: string
  readonly key: string
  readonly live: Readonly<Record<string, unknown>> | null
  readonly rebuilt: Readonly<Record<string, unknown>> | null
}

/** How many rows of a table differ, with a sample of them. */
export type TableComparison = {
  readonly table: string
  readonly rows: number
  readonly differing: number
  readonly sample: readonly Difference[]
}

const SAMPLE_MAX = 20

/** Not what, but when and how it came to be known. */
const TIDINGS = ['indexedAt', 'rev', 'detail', 'search']

/** Records are kept there after they were deleted, too. */
const KEEPING = ['record', 'spaceRecord']

/** Compares every table that is made from repos row by row, as one moment shows them. */
export async function compareTables(
  tx: Sql,
  collections: readonly Collection[],
): Promise<TableComparison[]> {
  const record = ['did', 'collection', 'rkey']
  const compared = [
    await compareTable(tx, 'record', record),
    await compareTable(tx, 'spaceRecord', [...record, 'place']),
    await compareTable(tx, 'spaceRepo', ['place', 'did']),
  ]
  for (const c of collections)
    compared.push(await compareTable(tx, c.table, [...new Set([c.owner, 'uri'])]))
  return compared
}

async function compareTable(tx: Sql, table: string, key: string[]): Promise<TableComparison> {
  const { rows: columns } = await tx.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'appview' and table_name = $1 order by ordinal_position`,
    [table],
  )
  const tidings = table === 'spaceRepo' ? ['updatedAt'] : TIDINGS
  const compared = columns.map(({ name }) => name).filter((name) => !tidings.includes(name))
  const side = (schema: string) =>
    `(select ${compared.map(quote).join(', ')} from ${schema}.${quote(table)}
      ${KEEPING.includes(table) ? 'where cid is not null' : ''})`
  const row = (alias: string) => `(${compared.map((c) => `${alias}.${quote(c)}`).join(', ')})`
  const from = `from ${side('appview')} a full join ${side(NEXT)} b
    using (${key.map(quote).join(', ')})
    where ${row('a')} is distinct from ${row('b')}`
  const counts = await tx.query<{ rows: number; differing: number }>(
    `select (select count(*)::int from ${side('appview')} a) as rows,
       (select count(*)::int ${from}) as differing`,
  )
  const { rows, differing } = counts.rows[0]!
  if (differing === 0) return { table, rows, differing, sample: [] }
  const sides = await tx.query<{ key: string; a: Side; b: Side }>(
    `select concat_ws(' ', ${key.map(quote).join(', ')}) as key,
       case when a.did is null then null else to_jsonb(a) end as a,
       case when b.did is null then null else to_jsonb(b) end as b ${from} order by 1
     limit ${SAMPLE_MAX}`,
  )
  const sample = sides.rows.map(({ key: at, a, b }) => ({
    table,
    key: at,
    live: differingColumns(a, b),
    rebuilt: differingColumns(b, a),
  }))
  return { table, rows, differing, sample }
}

type Side = Record<string, unknown> | null

function differingColumns(side: Side, other: Side): Side {
  if (side === null || other === null) return side
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(other[name])
  return Object.fromEntries(Object.entries(side).filter(differs))
}
