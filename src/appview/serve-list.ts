import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Collection, List, Operator, Row } from './define.ts'
import { visibleSql } from './readable.ts'
import { knownUri } from './reference.ts'
import { columnNames, quote, tableName } from './schema.ts'
import type { Sql } from './sql.ts'

type Params = Readonly<Record<string, unknown>>
export type Page = { readonly rows: readonly Row[]; readonly cursor?: string }

/** Finds one page of a declared list: what the viewer may read, filtered, newest first, continued
 *  by (sort value, uri), so that rows written meanwhile neither repeat nor hide others. Throws
 *  `InvalidCursor`. Text with U+0000, which Postgres cannot hold, finds nothing. */
export async function listRows(
  { sql, viewer }: { readonly sql: Sql; readonly viewer: string | undefined },
  c: Collection,
  list: List,
  params: Params & { limit?: number; cursor?: string },
): Promise<Page> {
  const limit = params.limit ?? 50
  const given = Object.entries(list.where).filter(([name]) => params[name] !== undefined)
  if (given.some(([name]) => String(params[name]).includes('\0'))) return { rows: [] }
  const at = params.cursor === undefined ? [] : decodeCursor(params.cursor)
  const text = statement(c, list, given, at.length > 0)
  const name = `list ${c.table} ${list.newest} ${given.map(([n]) => n).join(' ')} ${at.length}`
  const asked = given.map(([param, target]) => valueFor(c, target, params[param]))
  const who = c.access.places === 'public' ? [] : [viewer ?? '']
  const values = [limit + 1, ...asked, ...at, ...who]
  const { rows } = await sql.query<Row>({ name, text }, values)
  return cutPage(rows, limit, list.newest)
}

/** The page in rows of which one more was asked for than it holds, and where the next begins. */
export function cutPage(rows: readonly Row[], limit: number, sortedBy: string): Page {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const more = rows.length > limit && last !== undefined
  return { rows: page, cursor: more ? encodeCursor(last[sortedBy], last.uri) : undefined }
}

/** Records are looked up by the uri the tables know them by, whichever of their uris was given. */
function valueFor(c: Collection, target: List['where'][string], value: unknown): unknown {
  const column = c.columns[typeof target === 'string' ? target : target[1]]
  return column?.names === 'record' && typeof value === 'string' ? knownUri(value) : value
}

function statement(
  c: Collection,
  list: List,
  given: readonly (readonly [string, List['where'][string]])[],
  paged: boolean,
): string {
  const newest = quote(list.newest)
  const where = given.map(([, target], n) => {
    const [op, column] = typeof target === 'string' ? (['=', target] as const) : target
    const value = `$${n + 2}`
    return condition(op, `t.${quote(column)}`, value)
  })
  const from = given.length + 2
  if (paged) where.push(`(t.${newest}, t."uri") < ($${from}, $${from + 1})`)
  where.push(...visibleSql(c, 't', `$${paged ? from + 2 : from}`))
  return `select ${selectOf(c)} ${where.length ? `where ${where.join(' and ')}` : ''}
    order by t.${newest} desc, t."uri" desc limit $1`
}

/** Written so that the GIN indexes of arrays and search vectors are used. */
function condition(op: '=' | Operator, column: string, value: string): string {
  if (op === 'has') return `${column} @> array[${value}::text]`
  if (op === 'matches') return `${column} @@ websearch_to_tsquery('simple', ${value})`
  return `${column} ${op} ${value}`
}

/** A place in a list: the sort value and the uri of the last row given out. */
export function encodeCursor(value: unknown, uri: string): string {
  const at = value instanceof Date ? value.toISOString() : String(value)
  return Buffer.from(JSON.stringify([at, uri])).toString('base64url')
}

/** Reads a cursor back; throws `InvalidCursor` when this node cannot have made it. */
export function decodeCursor(cursor: string): [string, string] {
  const read = parse(Buffer.from(cursor.slice(0, 2_048), 'base64url').toString())
  if (Array.isArray(read) && read.length === 2) {
    const [at, uri] = read as unknown[]
    if (typeof at === 'string' && typeof uri === 'string' && storable(at, uri)) return [at, uri]
  }
  throw new InvalidRequestError(
    'This cursor was not made by this method. Start again without one.',
    'InvalidCursor',
  )
}

function storable(at: string, uri: string): boolean {
  const sorts = !Number.isNaN(Date.parse(at)) || /^-?\d+$/.test(at)
  return sorts && uri.startsWith('at://') && !uri.includes('\0')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One shown row by its uri, if the viewer may read it. */
export async function findRow(
  { sql, viewer }: { readonly sql: Sql; readonly viewer: string | undefined },
  c: Collection,
  uri: string,
): Promise<Row | undefined> {
  if (uri.includes('\0')) return undefined
  const where = [`t."uri" = $1`, ...visibleSql(c, 't', '$2')]
  const text = `select ${selectOf(c)} where ${where.join(' and ')}`
  const who = c.access.places === 'public' ? [] : [viewer ?? '']
  const found = await sql.query<Row>({ name: `get ${c.table}`, text }, [knownUri(uri), ...who])
  return found.rows[0]
}

/** What a question for rows of a collection selects, from its table as `t`. */
export function selectOf(c: Collection): string {
  const columns = columnNames(c).map((name) => `t.${quote(name)}`)
  return `${columns.join(', ')} from ${tableName(c.table)} t`
}
