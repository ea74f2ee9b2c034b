import type { Collection, Derived, Row } from './define.ts'
import { quote, tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** What happened to one row: absent before when it is new, absent after when it is gone. */
export type Change = { readonly before?: Row; readonly after?: Row }

/** A derived column, seen from the collection whose rows it is computed from. */
export type Link = {
  readonly parent: Collection
  readonly name: string
  readonly derived: Derived
}

/** Every derived column by the table it reads. */
export function linksBySource(
  collections: readonly Collection[],
): ReadonlyMap<string, readonly Link[]> {
  const links = collections.flatMap((parent) =>
    Object.entries(parent.derived).map(([name, derived]) => ({ parent, name, derived })),
  )
  return Map.groupBy(links, (link) => link.derived.source)
}

/** Computes every derived column of one row from what is committed now. The locks taken first make
 *  whoever changes a source row meanwhile come after us, and then change this row itself. */
export async function deriveOwn(tx: Sql, c: Collection, row: Row): Promise<Row> {
  const entries = Object.entries(c.derived)
  if (entries.length === 0) return row
  await lock(
    tx,
    entries.map(([, d]) =>
      lockKey(
        c,
        d,
        Object.values(d.on).map((column) => row[column]),
      ),
    ),
  )
  const sets = entries.map(([name, d]) => `${quote(name)} = ${valueSql(d)}`).join(', ')
  const { rows } = await tx.query<Row>(
    `update ${tableName(c.table)} p set ${sets} where p."uri" = $1 returning p.*`,
    [row.uri],
  )
  return rows[0] ?? row
}

/** Brings one derived column up to date with changes of its source rows, and says which rows of
 *  the parent changed by it. Counts move by the difference, all else is computed again. */
export async function carry(tx: Sql, link: Link, changes: readonly Change[]): Promise<Change[]> {
  const moves = movesOf(link, changes)
  if (moves.size === 0) return []
  await lock(
    tx,
    [...moves.values()].map((move) => lockKey(link.parent, link.derived, move.values)),
  )
  const caused: Change[] = []
  for (const { values, by } of moves.values()) {
    const touched =
      link.derived.pick.kind === 'count'
        ? await addToCount(tx, link, values, by)
        : await computeAgain(tx, link, values)
    caused.push(...touched)
  }
  return caused
}

type Move = { readonly values: unknown[]; by: number }

/** Which parents are concerned, and by how much their count moves. */
function movesOf({ derived }: Link, changes: readonly Change[]): Map<string, Move> {
  const columns = Object.keys(derived.on)
  const read = 'value' in derived.pick ? Object.values(derived.pick) : []
  const moves = new Map<string, Move>()
  const note = (row: Row | undefined, by: number) => {
    if (!row || !counts(derived, row)) return
    const values = columns.map((column) => row[column])
    if (values.some((value) => value === null || value === undefined)) return
    const key = JSON.stringify(values)
    const move = moves.get(key)
    if (move) move.by += by
    else moves.set(key, { values, by })
  }
  for (const { before, after } of changes) {
    if (before && after && same(before, after, [...columns, ...read, ...wheres(derived)])) continue
    note(before, -1)
    note(after, +1)
  }
  if (derived.pick.kind === 'count')
    for (const [key, move] of moves) if (move.by === 0) moves.delete(key)
  return moves
}

const wheres = (derived: Derived): string[] => Object.keys(derived.where ?? {})

function counts(derived: Derived, row: Row): boolean {
  return Object.entries(derived.where ?? {}).every(([column, value]) => row[column] === value)
}

function same(a: Row, b: Row, columns: readonly string[]): boolean {
  return columns.every((column) => {
    const [x, y] = [a[column], b[column]]
    return x instanceof Date && y instanceof Date ? x.getTime() === y.getTime() : x === y
  })
}

async function addToCount(
  tx: Sql,
  { parent, name, derived }: Link,
  values: unknown[],
  by: number,
): Promise<Change[]> {
  const { rows } = await tx.query<Row>(
    `update ${tableName(parent.table)} p set ${quote(name)} = ${quote(name)} + $1
     where ${matchSql(derived, 2)} returning p.*`,
    [by, ...values],
  )
  return rows.map((after) => ({ after, before: { ...after, [name]: Number(after[name]) - by } }))
}

async function computeAgain(
  tx: Sql,
  { parent, name, derived }: Link,
  values: unknown[],
): Promise<Change[]> {
  const table = tableName(parent.table)
  const column = quote(name)
  const { rows } = await tx.query<Row & { was: unknown }>(
    `update ${table} t set ${column} = v."value"
     from (select p."uri", p.${column} as "was", ${valueSql(derived)} as "value"
           from ${table} p where ${matchSql(derived, 1)}) v
     where t."uri" = v."uri" and v."was" is distinct from v."value"
     returning t.*, v."was"`,
    values,
  )
  return rows.map(({ was, ...after }) => ({
    after: after as unknown as Row,
    before: { ...(after as unknown as Row), [name]: was },
  }))
}

/** The expression for a derived column of the row `p`. */
function valueSql(d: Derived): string {
  const about = Object.entries(d.on).map(
    ([theirs, ours]) => `s.${quote(theirs)} = p.${quote(ours)}`,
  )
  const only = Object.entries(d.where ?? {}).map(
    ([name, value]) => `s.${quote(name)} = '${String(value).replaceAll("'", "''")}'`,
  )
  const from = `from ${tableName(d.source)} s where ${[...about, ...only].join(' and ')}`
  switch (d.pick.kind) {
    case 'count':
      return `(select count(*)::int ${from})`
    case 'exists':
      return `exists (select 1 ${from})`
    case 'newest': {
      const [value, by] = [quote(d.pick.value), quote(d.pick.by)]
      return `(select s.${value} ${from} order by s.${by} desc, s."uri" desc limit 1)`
    }
    case 'tally': {
      const [value, once] = [quote(d.pick.value), quote(d.pick.once)]
      const groups = `select s.${value} k, count(distinct s.${once})::int n ${from}
        group by 1 order by 2 desc, 1 limit ${TALLY_MAX}`
      return `coalesce((select jsonb_object_agg(k, n) from (${groups}) g), '{}'::jsonb)`
    }
  }
}

/** A tally keeps the most frequent values only, or one row could be made to grow for ever. */
const TALLY_MAX = 64

function matchSql(d: Derived, from: number): string {
  return Object.values(d.on)
    .map((column, n) => `p.${quote(column)} = $${n + from}`)
    .join(' and ')
}

function lockKey(parent: Collection, d: Derived, values: readonly unknown[]): string {
  return [parent.table, ...Object.values(d.on), ...values].join(' ')
}

/** Two transactions can be in flight at once, one with a row and one with a row it is about.
 *  Whoever takes the lock second looks after the first has committed, so neither is missed.
 *  Sorted, so that two transactions taking several never wait for each other in a circle. */
async function lock(tx: Sql, keys: readonly string[]): Promise<void> {
  const sorted = [...new Set(keys)].toSorted()
  await tx.query('select pg_advisory_xact_lock(hashtextextended(k, 0)) from unnest($1::text[]) k', [
    sorted,
  ])
}
