import type { Collection, Derived, Row } from '../src/appview/define.ts'
import { tableName } from '../src/appview/schema.ts'
import type { Sql } from '../src/appview/sql.ts'

const TALLY_MAX = 64

/** Every derived value that differs from what a plain count over the rows gives, in words. Written
 *  without the kernel's SQL, so that a mistake there is not repeated here. */
export async function wrongFigures(
  sql: Sql,
  collections: readonly Collection[],
): Promise<readonly string[]> {
  const tables = new Map<string, Row[]>()
  for (const { table } of collections) {
    const { rows } = await sql.query<Row>(`select * from ${tableName(table)}`)
    tables.set(table, rows)
  }
  return collections.flatMap((c) =>
    Object.entries(c.derived).flatMap(([name, derived]) => {
      const about = bySubject(derived, tables.get(derived.source) ?? [])
      return tables.get(c.table)!.flatMap((row) => {
        const key = keyOf(row, Object.values(derived.on))
        const here = (about.get(key) ?? []).filter((of) => countsAt(derived, of, row))
        const wanted = canonical(figure(derived, here))
        const found = canonical(row[name])
        return found === wanted ? [] : [`${row.uri} ${name} is ${found}, not ${wanted}`]
      })
    }),
  )
}

function bySubject(derived: Derived, rows: readonly Row[]): ReadonlyMap<string, Row[]> {
  const counted = rows.filter((row) =>
    Object.entries(derived.where ?? {}).every(([name, value]) => row[name] === value),
  )
  return Map.groupBy(counted, (row) => keyOf(row, Object.keys(derived.on)))
}

function countsAt({ pick }: Derived, row: Row, { place }: Row): boolean {
  if (pick.kind !== 'exists' || pick.places === undefined) return true
  return (row[pick.places] as string[]).includes(place)
}

function keyOf(row: Row, columns: readonly string[]): string {
  return JSON.stringify(columns.map((column) => row[column]))
}

function figure({ pick }: Derived, rows: readonly Row[]): unknown {
  switch (pick.kind) {
    case 'count':
      return rows.length
    case 'exists':
      return rows.length > 0
    case 'newest': {
      const order = (row: Row) => `${canonical(row[pick.by])} ${row.uri}`
      const [last] = rows.toSorted((a, b) => (order(a) < order(b) ? 1 : -1))
      return last ? last[pick.value] : null
    }
    case 'tally': {
      const groups = Map.groupBy(rows, (row) => String(row[pick.value]))
      const counts = [...groups].map(
        ([value, of]) => [value, new Set(of.map((row) => row[pick.once])).size] as const,
      )
      const most = counts.toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      return Object.fromEntries(most.slice(0, TALLY_MAX))
    }
  }
}

/** The same text for the same value, whatever the order of its keys. */
export function canonical(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${key}:${canonical(inner)}`).join(',')}}`
}
