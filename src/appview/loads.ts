import { type Load, batchLoad } from './batch-load.ts'
import type { Collection, Row } from './define.ts'
import { acquaintedSql } from './privacy.ts'
import { visibleSql } from './readable.ts'
import { knownUri } from './reference.ts'
import { ROW_TYPES } from './row-types.ts'
import { columnNames, quote, tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** What views need to know of an account. */
export type FoundPerson = {
  did: string
  handle: string | null
  pds: string | null
  displayName: string | null
  avatar: string | null
  /** Who sees more than the handle; null for one who has not chosen. */
  visibility: string | null
}

/** Lookups by key, shared by all requests, so that those under way together share their queries. */
export type Loads = {
  readonly person: Load<FoundPerson>
  /** Whether two people are in a space together; keyed by both DIDs, a space between them. */
  readonly acquainted: Load<true>
  /** The shown row of a collection with this uri, if the viewer may read it, and its author. */
  row(c: Collection, uri: string, viewer: string | undefined): Promise<Found | undefined>
  /** What the viewer contributed about the row with this uri, as the collection's `mine` says. */
  mine(c: Collection, viewer: string, uri: string): Promise<readonly string[]>
}

/** A row, and the account that wrote it, of the same moment. */
export type Found = { readonly row: Row; readonly author: FoundPerson }

/** Makes the lookups for one database. */
export function createLoads(sql: Sql): Loads {
  const rows = new Map<Collection, Load<Found>>()
  const mines = new Map<Collection, Load<string[]>>()
  return {
    person: batchLoad(async (dids) => {
      const found = await sql.query<FoundPerson>(PEOPLE, [dids])
      return new Map(found.rows.map((row) => [row.did, row]))
    }),
    acquainted: batchLoad(async (keys) => {
      const pairs = keys.map((key) => key.split(' ', 2))
      const [ones, others] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)]
      const found = await sql.query<{ key: string }>(ACQUAINTED, [ones, others])
      return new Map(found.rows.map(({ key }) => [key, true as const]))
    }),
    row: (c, uri, viewer) => {
      if (uri.includes('\0')) return NOTHING
      const who = c.access.places === 'public' ? '' : `${viewer ?? ''} `
      return of(rows, c, () => rowLoad(sql, c))(`${who}${knownUri(uri)}`)
    },
    mine: async (c, viewer, uri) => {
      const found = await of(mines, c, () => mineLoad(sql, c))(`${viewer} ${uri}`)
      return found ?? []
    },
  }
}

/** The same lookups, with one person known already. */
export function knowing(loads: Loads, known: FoundPerson): Loads {
  const person: Loads['person'] = (did) =>
    did === known.did ? Promise.resolve(known) : loads.person(did)
  return { ...loads, person }
}

const NOTHING = Promise.resolve(undefined)

function of<V>(made: Map<Collection, Load<V>>, c: Collection, make: () => Load<V>): Load<V> {
  const load = made.get(c) ?? make()
  made.set(c, load)
  return load
}

/** Keyed by the uri, after the viewer where not everybody may read every row. */
function rowLoad(sql: Sql, c: Collection): Load<Found> {
  const names = columnNames(c)
  const columns = [...AUTHOR, ...names.map((name) => `t.${quote(name)}`)]
  const open = c.access.places === 'public'
  const visible = visibleSql(c, 't', 'w.viewer').map((condition) => ` and ${condition}`)
  const from = open
    ? `from ${tableName(c.table)} t`
    : `from unnest($1::text[], $2::text[]) w(viewer, uri)
       join ${tableName(c.table)} t on t."uri" = w.uri`
  const text = `select ${[...columns, ...(open ? [] : ['w.viewer'])].join(', ')} ${from}
    left join appview.account a on a.did = t.did
    left join appview.profile p on p.did = t.did
    left join node.preference f on f.did = t.did
    where ${open ? `t."uri" = any($1)` : 'true'}${visible.join('')}`
  const statement = { name: `rows ${c.table}`, text, rowMode: 'array', types: ROW_TYPES } as const
  const empty = Object.fromEntries(names.map((name) => [name, null]))
  const asked = (keys: readonly string[]) => {
    if (open) return [keys]
    const pairs = keys.map((key) => key.split(' ', 2))
    return [pairs.map(([viewer]) => viewer), pairs.map(([, uri]) => uri)]
  }
  return batchLoad(async (keys) => {
    const found = new Map<string, Found>()
    const { rows } = await sql.query<unknown[]>(statement, asked(keys))
    for (const values of rows) {
      const row: Record<string, unknown> = { ...empty }
      for (let n = 0; n < names.length; n++) row[names[n]!] = values[AUTHOR.length + n]
      const { uri, did } = row as Row
      const key = open ? uri : `${String(values.at(-1))} ${uri}`
      found.set(key, { row: row as Row, author: authorOf(did, values) })
    }
    return found
  })
}

/** What stands before a row's own columns. */
const AUTHOR = ['a.handle', 'a.pds', 'p."displayName"', 'p.avatar', 'f."profileVisibility"']

function authorOf(did: string, values: readonly unknown[]): FoundPerson {
  return {
    did,
    handle: values[0],
    pds: values[1],
    displayName: values[2],
    avatar: values[3],
    visibility: values[4],
  } as FoundPerson
}

function mineLoad(sql: Sql, { mine }: Collection): Load<string[]> {
  if (!mine) return () => NOTHING
  const [about, value] = [quote(mine.about), quote(mine.value)]
  const text = `select did || ' ' || ${about} as key, array_agg(distinct ${value}) as values
    from ${tableName(mine.source)}
    where (did, ${about}) in (select * from unnest($1::text[], $2::text[])) group by 1`
  return batchLoad(async (keys) => {
    const pairs = keys.map((key) => key.split(' ', 2))
    const { rows } = await sql.query<{ key: string; values: string[] }>(
      { name: `mine ${mine.source}`, text },
      [pairs.map(([viewer]) => viewer), pairs.map(([, uri]) => uri)],
    )
    return new Map(rows.map(({ key, values }) => [key, values]))
  })
}

const PEOPLE = {
  name: 'people',
  text: `select d.did, a.handle, a.pds, p."displayName", p.avatar,
      f."profileVisibility" as visibility
    from unnest($1::text[]) as d(did)
    left join appview.account a on a.did = d.did
    left join appview.profile p on p.did = d.did
    left join node.preference f on f.did = d.did`,
}

const ACQUAINTED = {
  name: 'acquainted',
  text: `select w.one || ' ' || w.other as key from unnest($1::text[], $2::text[]) w(one, other)
    where ${acquaintedSql('w.one', 'w.other')}`,
}
