import { everyRowSql } from './derived-sql.ts'
import type { Link } from './derive.ts'
import { tableName } from './schema.ts'
import type { Tables, Target } from './show-rows.ts'
import type { Sql } from './sql.ts'

/** Makes the tables hold the targets, each record once among them, and leaves derived columns and
 *  feeds alone. */
export async function loadRows(tx: Sql, tables: Tables, targets: readonly Target[]): Promise<void> {
  for (const [c, of] of Map.groupBy(targets, ({ collection }) => collection)) {
    const { clear, load } = tables.statements.get(c)!
    const owners = of.map(({ row }) => row?.[c.owner] ?? null)
    await tx.query(clear, [of.map(({ uri }) => uri), owners])
    const rows = of.flatMap(({ row }) => (row ? [row] : []))
    if (rows.length > 0) await tx.query(load, [JSON.stringify(rows)])
  }
}

/** Computes every derived column of every row: columns that read none first, those of one table
 *  together. */
export async function deriveAll(tx: Sql, { collections, links }: Tables): Promise<void> {
  await tx.query('set local enable_seqscan = on')
  for (const c of collections) await tx.query(`analyze ${tableName(c.table)}`)
  for (const level of levelsOf(links))
    for (const [c, of] of Map.groupBy(level, ({ parent }) => parent))
      await tx.query(
        everyRowSql(
          c,
          of.map(({ name }) => name),
        ),
      )
}

/** Columns that do not read one another, each group after those it reads. */
function levelsOf(links: readonly Link[]): Link[][] {
  const level = new Map<Link, number>()
  for (const link of links) {
    const read = links.filter((l) => l.parent === link.source && link.reads.includes(l.name))
    level.set(link, Math.max(0, ...read.map((l) => level.get(l)! + 1)))
  }
  const levels: Link[][] = []
  for (const [link, n] of level) (levels[n] ??= []).push(link)
  return levels
}
