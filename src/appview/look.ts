import { type JsonValue, jsonToLex, type l } from '@atproto/lex'
import type { Collection, Look, Person, Row } from './define.ts'
import { blobUrl as blobAddress, findMedia, renditionUrl } from './look-media.ts'
import { type FoundPerson, type Loads, createLoads } from './loads.ts'
import { nextStates } from './machine.ts'
import { uriIn } from './reference.ts'
import { showsAll } from './privacy.ts'
import type { Sql } from './sql.ts'

/** Who looks, at what, from where. */
export type Looking = {
  readonly sql: Sql
  /** Where this node is reached; blobs of accounts not yet known are asked for there. */
  readonly origin: string
  /** The DID of whoever asked. */
  readonly viewer?: string
  /** Lookups shared with other requests; without, this call makes its own. */
  readonly loads?: Loads
}

/** Turns rows into the views their collection declares, looking up what stands beside them at
 *  once for all of them. */
export async function present(
  c: Collection,
  rows: readonly Row[],
  looking: Looking,
): Promise<object[]> {
  if (rows.length === 0) return []
  const [look, media, mine] = await Promise.all([
    lookUp(looking, named(rows, c.people)),
    c.media.length === 0 ? noMedia : findMedia(looking, named(rows, c.media)),
    findMine(c, rows, looking),
  ])
  const parts = partsOf(c)
  return rows.map((row, n) => {
    const view = c.view(readable(row, parts), { ...look, media, mine: mine[n] ?? [] })
    if (!c.machine) return view
    return { ...view, nextStates: nextStates(c.machine, String(row[c.machine.field])) }
  })
}

const noMedia: Look['media'] = () => undefined

/** Everything these columns name, be it one thing or a list of them. */
function named(rows: readonly Row[], columns: readonly string[]): string[] {
  const names: string[] = []
  for (const row of rows)
    for (const column of columns) {
      const value = row[column]
      for (const one of Array.isArray(value) ? value : [value])
        if (typeof one === 'string') names.push(one)
    }
  return names
}

/** What the viewer contributed about each of these rows, as the collection's `mine` declares. */
function findMine(
  c: Collection,
  rows: readonly Row[],
  { sql, viewer, loads = createLoads(sql) }: Looking,
): Promise<readonly (readonly string[])[]> | readonly (readonly string[])[] {
  const { mine } = c
  if (!mine || viewer === undefined) return []
  if (rows.every((row) => isEmpty(row[mine.among]))) return []
  return Promise.all(
    rows.map((row) => (isEmpty(row[mine.among]) ? NONE : loads.mine(c, viewer, row.uri))),
  )
}

const NONE = Promise.resolve<readonly string[]>([])

function isEmpty(tally: unknown): boolean {
  return typeof tally !== 'object' || tally === null || Object.keys(tally).length === 0
}

/** Loads the people with these DIDs, and knows where their blobs are. */
export async function lookUp(
  { sql, origin, viewer, loads = createLoads(sql) }: Looking,
  dids: readonly string[],
): Promise<Omit<Look, 'mine' | 'media'>> {
  const wanted = [...new Set(dids)]
  const people = await Promise.all(
    wanted.map(async (did) => seenBy(viewer, await loads.person(did), loads)),
  )
  const found = new Map(wanted.map((did, n) => [did, people[n]]))
  const blobUrl: Look['blobUrl'] = (did, cid, place) =>
    blobAddress(found.get(did)?.pds ?? origin, { did, cid, place })
  const person = (did: l.DidString): Person => personView(did, found.get(did), blobUrl)
  const imageUrl: Look['imageUrl'] = (...image) => renditionUrl(origin, ...image)
  return { person, blobUrl, imageUrl }
}

/** Who does not show their profile to the viewer looks like somebody who has none. */
async function seenBy(
  viewer: string | undefined,
  found: FoundPerson | undefined,
  loads: Loads,
): Promise<FoundPerson | undefined> {
  if (!found || showsAll(found.visibility) || found.did === viewer) return found
  const isMember = found.visibility === 'members' && viewer !== undefined
  if (isMember && (await loads.acquainted(`${viewer} ${found.did}`))) return found
  return { ...found, displayName: null, avatar: null }
}

/** Shown for an account whose handle is not known to be its own (atproto handle spec). */
const NO_HANDLE = 'handle.invalid'

function personView(
  did: l.DidString,
  found: FoundPerson | undefined,
  blobUrl: Look['blobUrl'],
): Person {
  return {
    did,
    handle: (found?.handle ?? NO_HANDLE) as l.HandleString,
    displayName: found?.displayName ?? undefined,
    avatar: found?.avatar ? blobUrl(did, found.avatar) : undefined,
  }
}

/** The columns that hold parts of the record. */
function partsOf(c: Collection): readonly string[] {
  const known = PARTS.get(c)
  if (known) return known
  const parts = Object.keys(c.columns).filter((name) => c.columns[name]!.sql === 'jsonb')
  PARTS.set(c, parts)
  return parts
}

const PARTS = new WeakMap<Collection, readonly string[]>()

/** Told by the uri that leads to it. Parts of the record become lexicon values again, so that a
 *  blob in them is a blob. */
function readable(row: Row, parts: readonly string[]): Row {
  const read: Row = { ...row, uri: uriIn(row.place, row.uri) as l.AtUriString }
  for (const name of parts)
    if (row[name] !== null)
      (read as Record<string, unknown>)[name] = jsonToLex(row[name] as JsonValue)
  return read
}
