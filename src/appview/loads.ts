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
  /** The shown row of a collection with this uri. */
  row(c: Collection, uri: string): Promise<Row | undefined>
  /** What the viewer contributed about the row with this uri, as the collection's `mine` says. */
  mine(c: Collection, viewer: string, uri: string): Promise<readonly string[]>
}

/** Makes the lookups for one database. */
export function createLoads(sql: Sql): Loads {
  const rows = new Map<Collection, Load<Row>>()
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

/** The same lookups for one request: what it has asked for once it does not ask for again, so that
 *  it can ask ahead for what it will need. */
export function rememberLoads(loads: Loads): Loads {
  const asked = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const answer = (asked.get(key) as Promise<T> | undefined) ?? ask()
    asked.set(key, answer)
    return answer
  }
  return {
    person: (did) => once(`person ${did}`, () => loads.person(did)),
    row: (c, uri) => once(`row ${uri}`, () => loads.row(c, uri)),
    mine: (c, viewer, uri) => once(`mine ${uri}`, () => loads.mine(c, viewer, uri)),
  }
}

const NOTHING = Promise.resolve(undefined)

function of<V>(made: Map<Collection, Load<V>>, c: Collection, make: () => Load<V>): Load<V> {
  const load = made.get(c) ?? make()
  made.set(c, load)
  return load
}

function rowLoad(sql: Sql, c: Collection): Load<Row> {
  const shown = c.shown ? ` and ${quote(c.shown)}` : ''
  const text = `select ${selectList(c)} from ${tableName(c.table)} where "uri" = any($1)${shown}`
  return batchLoad(async (uris) => {
    const { rows } = await sql.query<Row>({ name: `rows ${c.table}`, text }, [uris])
    return new Map(rows.map((row) => [row.uri as string, row]))
  })
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
  text: `select d.did, a.handle, a.pds, p."displayName", p.avatar
    from unnest($1::text[]) as d(did)
    left join appview.account a on a.did = d.did
    left join appview.profile p on p.did = d.did`,
}
