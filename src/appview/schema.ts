import type { Collection, Columns, Derived } from './define.ts'

/** The Postgres schema of everything that can be rebuilt from the repos. */
export const SCHEMA = 'appview'

const STAMP = [
  '"uri" text not null',
  '"place" text not null',
  '"cid" text not null',
  '"did" text not null',
  '"rkey" text not null',
  '"rev" text not null',
  '"indexedAt" timestamptz not null',
]

/** The statements that make one collection's table, ready to be filled. The owner's DID comes first
 *  in the key, so that the table can be distributed by it. */
export function tableSql(c: Collection): string[] {
  const columns = [...STAMP, ...columnsSql(c.columns), ...derivedSql(c.derived), ...searchSql(c)]
  const table = tableName(c.table)
  return [
    `create table ${table} (${columns.join(', ')}, primary key (${keyOf(c)}))`,
    `create index on ${table} ("uri")`,
  ]
}

const keyOf = (c: Collection): string => [c.owner, 'uri'].map(quote).join(', ')

/** The statements that make the other indexes, quickest when all rows are there already. */
export function indexesSql(c: Collection, all: readonly Collection[]): string[] {
  return [
    ...indexesOf(c, all).map((i) => `create index on ${tableName(c.table)} (${i})`),
    ...arraysOf(c).map((name) => `create index on ${tableName(c.table)} using gin (${name})`),
    ...(c.search ? [`create index on ${tableName(c.table)} using gin ("search")`] : []),
  ]
}

/** Declared indexes, one by author, one for each list's order, and one for each derived column that
 *  reads us or is ours; none of them is the beginning of another. */
function indexesOf(c: Collection, all: readonly Collection[]): string[] {
  const read = all.flatMap((parent) =>
    Object.values(parent.derived).filter((d) => d.source === c.table),
  )
  const wanted = [
    ['did'],
    ...c.indexes,
    ...c.lists.map((list) => [list.newest, 'uri']),
    ...read.map((d) => [...Object.keys(d.on).filter(tellsApart), ...orderOf(d)]),
    ...Object.values(c.derived).map((d) => Object.values(d.on).filter(tellsApart)),
  ]
  const indexes = new Set(wanted.map((columns) => columns.map(quote).join(', ')))
  indexes.delete(quote('uri'))
  const others = [...indexes, keyOf(c)]
  return [...indexes].filter((i) => !others.some((o) => o.startsWith(`${i}, `))).toSorted()
}

/** Nearly all that is about one thing stands in one place, so that no index needs to say which. */
const tellsApart = (column: string): boolean => column !== 'place'

/** Columns some list looks into for one of their values. */
function arraysOf(c: Collection): string[] {
  const targets = c.lists.flatMap((list) => Object.values(list.where))
  const arrays = targets.flatMap((target) => (target[0] === 'has' ? [quote(target[1])] : []))
  return [...new Set(arrays)]
}

/** Which source row comes last is found without reading those that do not count. */
function orderOf({ pick, where = {} }: Derived): string[] {
  return pick.kind === 'newest' ? [...Object.keys(where), pick.by] : []
}

function columnsSql(columns: Columns): string[] {
  return Object.entries(columns).map(
    ([name, { sql, nullable }]) => `${quote(name)} ${sql}${nullable ? '' : ' not null'}`,
  )
}

const INITIAL = { count: ' not null default 0', exists: ' not null default false', newest: '' }

function derivedSql(derived: Collection['derived']): string[] {
  return Object.entries(derived).map(([name, { column, pick }]) => {
    const initial = pick.kind === 'tally' ? ` not null default '{}'` : INITIAL[pick.kind]
    return `${quote(name)} ${column.sql}${initial}`
  })
}

function searchSql({ search }: Collection): string[] {
  if (!search) return []
  const words = search.map((name) => `coalesce(${quote(name)}, '')`).join(` || ' ' || `)
  return [`"search" tsvector generated always as (to_tsvector('simple', ${words})) stored`]
}

/** A table of this schema, ready to stand in SQL. Names come from declarations only. */
export function tableName(table: string): string {
  return `${SCHEMA}.${quote(table)}`
}

/** What rows are read by: every column but the search vector, which is for searching only. */
export function columnNames(c: Collection): string[] {
  const stamp = ['uri', 'place', 'cid', 'did', 'rkey', 'rev', 'indexedAt']
  return [...stamp, ...Object.keys(c.columns), ...Object.keys(c.derived)]
}

/** A declared name, quoted to keep its capitals. Throws on anything that is not a plain name. */
export function quote(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) throw new Error(`${name} cannot be a name in SQL`)
  return `"${name}"`
}
