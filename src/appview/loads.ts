import { type Load, batchLoad } from './batch-load.ts'
import type { Collection, Row } from './define.ts'
import { quote, selectList, tableName } from './schema.ts'
import type { Sql } from './sql.ts'

/** What views need to know of an account. */
export type FoundPerson = {
  did: string
  handle: string | null
  pds: string | null
  displayName: string | null
  avatar: string | null
}

/** Lookups by key, shared by all requests, so that those under way together share their queries. */
export type Loads = {
  readonly person: Load<FoundPerson>
  /** The shown row of a collection with this uri, and its author. */
  row(c: Collection, uri: string): Promise<Found | undefined>
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
    row: (c, uri) => (uri.includes('\0') ? NOTHING : of(rows, c, () => rowLoad(sql, c))(uri)),
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

function rowLoad(sql: Sql, c: Collection): Load<Found> {
  const shown = c.shown ? ` and t.${quote(c.shown)}` : ''
  const text = `select a.handle as "handle$", a.pds as "pds$",
      p."displayName" as "displayName$", p.avatar as "avatar$", t.*
    from (select ${selectList(c)} from ${tableName(c.table)}) t
    left join appview.account a on a.did = t.did
    left join appview.profile p on p.did = t.did
    where t."uri" = any($1)${shown}`
  return batchLoad(async (uris) => {
    const { rows } = await sql.query<Row>({ name: `rows ${c.table}`, text }, [uris])
    return new Map(rows.map((row) => [row.uri as string, apart(row)]))
  })
}

function apart(read: Row): Found {
  const { handle$, pds$, displayName$, avatar$, ...row } = read as Row & Beside
  const author = { handle: handle$, pds: pds$, displayName: displayName$, avatar: avatar$ }
  return { row, author: { did: read.did, ...author } }
}

/** Columns of the author; no declared column has a $ in its name. */
type Beside = Readonly<Record<`${keyof Omit<FoundPerson, 'did'>}$`, string | null>>

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
  text: `select d.did, a.handle, a.pds, p."displayName", p.avatar
    from unnest($1::text[]) as d(did)
    left join appview.account a on a.did = d.did
    left join appview.profile p on p.did = d.did`,
}
