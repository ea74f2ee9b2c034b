import { encode } from '@atproto/lex-cbor'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { collections } from './collections/index.ts'
import { lexRecord } from './lex-record.ts'
import { rowOf } from './verify-record.ts'

/** A revision as early as can be: a check must not depend on when it is made. */
const FIRST_REV = '2222222222222'
/** No consumer of ours reads a record that is nested deeper. */
const DEPTH_MAX = 32

/** Refuses, before it is written, a record that this node would not show: throws `InvalidRecord`
 *  with the field or rule it breaks, `ReadOnlyField` for a field that the node computes. */
export function checkRecord(
  place: { did: string; collection: string; rkey: string; place?: string },
  record: Readonly<Record<string, unknown>>,
): void {
  const c = collections.find(({ nsid }) => nsid === place.collection)
  const computed = Object.keys(c?.derived ?? {}).find((name) => record[name] !== undefined)
  if (computed !== undefined)
    throw new InvalidRequestError(`${computed} is computed. Leave it out.`, 'ReadOnlyField')
  if (isDeeper(record, DEPTH_MAX)) throw invalid('TooDeep', `more than ${DEPTH_MAX} levels`)
  const found = rowOf(c, { ...place, rev: FIRST_REV, cid: '', bytes: encoded(record) })
  if ('reason' in found) throw invalid(found.reason, found.detail)
}

function encoded(record: Readonly<Record<string, unknown>>): Uint8Array {
  try {
    return encode(lexRecord(record))
  } catch (cause) {
    throw invalid('NotARecord', cause instanceof Error ? cause.message : String(cause))
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

function invalid(reason: string, detail: string): InvalidRequestError {
  return new InvalidRequestError(`${reason}: ${detail}`, 'InvalidRecord')
}
