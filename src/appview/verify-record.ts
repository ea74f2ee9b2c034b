import { type LexValue, lexToJson } from '@atproto/lex'
import { readRecord } from './data-model.ts'
import type { Collection } from './define.ts'
import {
  PRIVATE_SPACE,
  TENANT_SPACE,
  isCustomerKey,
  parseAudience,
} from '../permissioned/audience.ts'
import { knownUri, recordUri } from './reference.ts'
import { tidTime } from '../tid.ts'

/** A record block and where it stands. */
export type StoredRecord = {
  readonly did: string
  readonly collection: string
  readonly rkey: string
  /** The permissioned space it is in; absent or empty for a public repo. */
  readonly place?: string
  readonly rev: string
  readonly cid: string
  readonly bytes: Uint8Array
}

export type Refusal = { readonly reason: string; readonly detail: string }

/** Turns a record's bytes into the row its collection declares, or names why it must not be shown.
 *  Pure: the same bytes always give the same row or the same refusal. It never throws: a rule that
 *  fails at a record must not hold up the others. */
export function rowOf(
  c: Collection | undefined,
  r: StoredRecord,
): { readonly row: Record<string, unknown> } | Refusal {
  const depth = Error.stackTraceLimit
  // The validator makes an error of every member of a union that does not fit. Tracing where each
  // was made takes longer than all the rest.
  Error.stackTraceLimit = 0
  try {
    return judge(c, r)
  } catch (error) {
    return { reason: 'RuleFailed', detail: String(error) }
  } finally {
    Error.stackTraceLimit = depth
  }
}

function judge(
  c: Collection | undefined,
  r: StoredRecord,
): { readonly row: Record<string, unknown> } | Refusal {
  if (!c) return { reason: 'UnknownCollection', detail: `no lexicon for ${r.collection}` }
  const { place = '' } = r
  const misplaced = misplacement(c, place)
  if (misplaced) return misplaced
  const decoded = readRecord(r.bytes)
  if ('reason' in decoded) return decoded
  const key = c.schema.keySchema.safeParse(r.rkey)
  if (!key.success) return { reason: 'BadRecordKey', detail: key.reason.message }
  // As it was signed: nothing is filled in.
  const checked = c.schema.safeValidate(decoded.value)
  if (!checked.success) return { reason: 'SchemaMismatch', detail: checked.reason.message }
  const uri = recordUri(r.did, r.collection, r.rkey)
  const committedAt = tidTime(r.rev)
  const input = {
    uri: uri as never,
    did: r.did as never,
    rkey: r.rkey,
    place,
    record: checked.value as never,
    claimed: (datetime: string) => earlier(new Date(datetime), committedAt),
  }
  const refused = c.accept(input)
  if (refused) return { reason: refused, detail: `${c.nsid} does not accept this record` }
  const row = c.row(input)
  const foreign = place === '' ? undefined : foreignTo(c, place, { ...row, did: r.did }[c.owner])
  if (foreign) return foreign
  for (const [name, { sql, names }] of Object.entries(c.columns)) {
    if (names === 'record' && typeof row[name] === 'string') row[name] = knownUri(row[name])
    const unstorable = findUnstorable(row[name], sql)
    if (unstorable) return { reason: 'Unstorable', detail: `${name} ${unstorable}` }
    // A part of the record is stored in its JSON form.
    if (sql === 'jsonb' && row[name]) row[name] = lexToJson(row[name] as LexValue)
  }
  return { row: { uri, place, cid: r.cid, did: r.did, rkey: r.rkey, rev: r.rev, ...row } }
}

/** Why the records of a collection do not count where this one is. */
function misplacement({ nsid, access }: Collection, place: string): Refusal | undefined {
  const there = place === '' ? 'public' : 'permissioned'
  if (access.places === 'either' || access.places === there) return undefined
  return place === ''
    ? { reason: 'NotPublic', detail: `${nsid} is only for permissioned repos` }
    : { reason: 'NotPermissioned', detail: `${nsid} is only for public repos` }
}

/** The types of the spaces that records of a collection stand in. */
const TYPES = {
  space: [PRIVATE_SPACE],
  tenant: [TENANT_SPACE],
  both: [PRIVATE_SPACE, TENANT_SPACE],
} as const

/** What somebody puts into one space about another is seen by the wrong people, and not
 *  believed. */
function foreignTo(c: Collection, place: string, owner: unknown): Refusal | undefined {
  const space = parseAudience(place)
  if (!space) return { reason: 'UnknownAudience', detail: `nobody is known to read ${place}` }
  if (!TYPES[c.access.of ?? 'space'].includes(space.type))
    return { reason: 'OtherSpace', detail: `${c.nsid} does not stand in a ${space.type}` }
  // What is for one customer is for no other, and for no audience of several.
  const isOfOne = isCustomerKey(space.audience)
  if (isOfOne !== (c.access.audience === 'customer'))
    return { reason: 'OtherAudience', detail: `${c.nsid} is not for ${space.audience}` }
  if (space.authority === owner) return undefined
  return { reason: 'OtherSpace', detail: `the record is about ${String(owner)}` }
}

function earlier(claimed: Date, committedAt: Date): Date {
  return claimed < committedAt ? claimed : committedAt
}

const INT4_MAX = 2_147_483_647

/** What a rule has made of a record can still be more than its column holds: Postgres takes neither
 *  half a surrogate pair nor a date beyond its range. */
function findUnstorable(value: unknown, sql: string): string | undefined {
  if (Array.isArray(value)) return value.map((each) => findUnstorable(each, sql)).find(Boolean)
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    return 'holds text that cannot be stored'
  if (sql === 'integer' && Math.abs(Number(value ?? 0)) > INT4_MAX)
    return 'is larger than this node keeps'
  if (!(value instanceof Date)) return undefined
  const year = value.getUTCFullYear()
  return year >= 1 && year <= 9999 ? undefined : 'holds no storable date'
}
