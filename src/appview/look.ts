import type { l } from '@atproto/lex'
import type { Collection, Look, Person, Row } from './define.ts'
import type { Sql } from './sql.ts'

type Found = {
  did: string
  handle: string | null
  pds: string | null
  displayName: string | null
  avatar: string | null
}

/** Turns rows into the views their collection declares, looking up the people in them at once. */
export async function present(
  sql: Sql,
  c: Collection,
  rows: readonly Row[],
  origin: string,
): Promise<object[]> {
  if (rows.length === 0) return []
  const dids = rows.flatMap((row) => c.people.map((column) => String(row[column])))
  const look = await lookUp(sql, dids, origin)
  return rows.map((row) => c.view(numbers(c, row), look))
}

/** Loads the people with these DIDs, and knows where their blobs are. */
export async function lookUp(sql: Sql, dids: readonly string[], origin: string): Promise<Look> {
  const wanted = [...new Set(dids)]
  const { rows } =
    wanted.length === 0 ? { rows: [] } : await sql.query<Found>(PEOPLE, [wanted])
  const found = new Map(rows.map((row) => [row.did, row]))
  const blobUrl = (did: string, cid: string): l.UriString => {
    const host = found.get(did)?.pds ?? origin
    const query = new URLSearchParams({ did, cid })
    return `${host}/xrpc/com.atproto.sync.getBlob?${query}` as l.UriString
  }
  const person = (did: l.DidString): Person => personView(did, found.get(did), blobUrl)
  return { person, blobUrl }
}

const PEOPLE = {
  name: 'people',
  text: `select d.did, a.handle, a.pds, p."displayName", p.avatar
    from unnest($1::text[]) as d(did)
    left join appview.account a on a.did = d.did
    left join appview.profile p on p.did = d.did`,
}

/** The handle shown for an account whose handle is not known to be its own (atproto handle spec). */
const NO_HANDLE = 'handle.invalid'

function personView(
  did: l.DidString,
  found: Found | undefined,
  blobUrl: Look['blobUrl'],
): Person {
  return {
    did,
    handle: (found?.handle ?? NO_HANDLE) as l.HandleString,
    displayName: found?.displayName ?? undefined,
    avatar: found?.avatar ? blobUrl(did, found.avatar) : undefined,
  }
}

/** Postgres hands bigint over as text; every amount is below 2^53 by its lexicon. */
function numbers(c: Collection, row: Row): Row {
  const big = Object.entries(c.columns).filter(([, { sql }]) => sql === 'bigint')
  if (big.length === 0) return row
  return Object.assign(
    { ...row },
    ...big.map(([name]) => ({ [name]: row[name] === null ? null : Number(row[name]) })),
  )
}
