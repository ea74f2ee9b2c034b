import { type LexValue, decode } from '@atproto/lex-cbor'
import type { Collection } from './define.ts'
import { recordUri } from './reference.ts'
import { tidTime } from '../tid.ts'

/** A record block and where it stands. */
export type StoredRecord = {
  readonly did: string
  readonly collection: string
  readonly rkey: string
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
  const decoded = decodeRecord(r.bytes)
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
    record: checked.value as never,
    claimed: (datetime: string) => earlier(new Date(datetime), committedAt),
  }
  const refused = c.accept(input)
  if (refused) return { reason: refused, detail: `${c.nsid} does not accept this record` }
  const row = c.row(input)
  const unstorable = findUnstorable(row) ?? overflow(c, row)
  if (unstorable) return { reason: 'Unstorable', detail: unstorable }
  return { row: { uri, cid: r.cid, did: r.did, rkey: r.rkey, rev: r.rev, ...row } }
}

function decodeRecord(bytes: Uint8Array): { readonly value: LexValue } | Refusal {
  try {
    return { value: decode(bytes) }
  } catch (error) {
    return { reason: 'NotARecord', detail: error instanceof Error ? error.message : String(error) }
  }
}

function earlier(claimed: Date, committedAt: Date): Date {
  return claimed < committedAt ? claimed : committedAt
}

const INT4_MAX = 2_147_483_647

/** Postgres holds neither U+0000 nor half a surrogate pair, and a date only within its range. */
function findUnstorable(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    return `${path} holds text that cannot be stored`
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    return `${path} holds a number that is not exact`
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ||
      value.getUTCFullYear() < 1 ||
      value.getUTCFullYear() > 9999
      ? `${path} holds no storable date`
      : undefined
  if (value === null || typeof value !== 'object') return undefined
  for (const [name, inner] of Object.entries(value)) {
    const found = findUnstorable(name) ?? findUnstorable(inner, path ? `${path}.${name}` : name)
    if (found) return found
  }
  return undefined
}

function overflow(c: Collection, row: Record<string, unknown>): string | undefined {
  const found = Object.entries(c.columns).find(
    ([name, { sql }]) => sql === 'integer' && Math.abs(Number(row[name] ?? 0)) > INT4_MAX,
  )
  return found && `${found[0]} is larger than this node keeps`
}
