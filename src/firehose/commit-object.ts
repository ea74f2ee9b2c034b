import { BytesWrapper, CidLinkWrapper, decode } from '@atcute/cbor'
import { isValidTid } from '@atproto/syntax'
import { verifySignature } from '../crypto/ecdsa.ts'
import { type Identity } from '../identity/identity.ts'
import { tidTime } from '../tid.ts'
import { scanCbor } from '../bytes/cbor-scan.ts'
import { isFields } from './message.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'

/** The signed root of a repo at one revision, verified. */
export type Commit = { ok: true; did: string; rev: string; data: CidLinkWrapper }

/** Whose commit it has to be, and the did:key that has to have signed it. */
export type AccountKey = Pick<Identity, 'did' | 'signingKey'>

const VERSION = 3
const MAP_OF_FIVE = 0xa5
const COMPACT = 64
const SIGNATURE_HEAD = 2
const SCAN = { depth: 2, items: 32 }
const FIELDS = ['did', 'rev', 'sig', 'data', 'prev', 'version']

/**
 * Checks a commit block of repo version 3 (https://atproto.com/specs/repository): its fields, that
 * its revision is not more than 5 minutes ahead of `now`, and the account's signature over all but
 * `sig`. Says `BadSignature` also when only the cached key is old: refresh the identity and retry.
 */
export function readCommit(block: Uint8Array, identity: AccountKey, now: Date): Commit | Refusal {
  const fields = decodeCommit(block)
  if (fields === undefined) return refuse('BadCommit', 'not a commit object')
  const { did, version, data, rev, prev, sig, ...others } = fields
  if (version !== VERSION || Object.keys(others).length > 0) return refuse('BadCommit', 'fields')
  if (!(data instanceof CidLinkWrapper) || !(sig instanceof BytesWrapper)) {
    return refuse('BadCommit', 'data or sig')
  }
  if (prev !== null && !(prev instanceof CidLinkWrapper)) return refuse('BadCommit', 'prev')
  if (did !== identity.did) return refuse('WrongDid', 'the commit is of another account')
  if (!isValidTid(rev)) return refuse('BadRev', 'not a TID')
  if (tidTime(rev).getTime() > now.getTime() + LIMITS.revAhead) return refuse('FutureRev', rev)
  if (sig.buf.length !== COMPACT) return refuse('BadSignature', 'not 64 bytes')
  const bytes = unsigned(block, did, rev)
  if (bytes === undefined) return refuse('BadCommit', 'not in canonical form')
  if (!verifySignature({ didKey: identity.signingKey, bytes, signature: sig.buf })) {
    return refuse('BadSignature', `not by ${identity.signingKey}`)
  }
  return { ok: true, did, rev, data }
}

/**
 * What was signed: the block without its entry `sig`. A decoder that takes only sorted keys and the
 * shortest heads leaves one place where that can be, and no other way to write the rest.
 */
function unsigned(block: Uint8Array, did: string, rev: string): Uint8Array | undefined {
  const from = 1 + sizeOf('did') + sizeOf(did) + sizeOf('rev') + sizeOf(rev)
  const to = from + sizeOf('sig') + SIGNATURE_HEAD + COMPACT
  // A version could be written as a fraction, which the data model does not know.
  if (block.at(-1) !== VERSION) return undefined
  const bytes = new Uint8Array(block.length - (to - from))
  bytes[0] = MAP_OF_FIVE
  bytes.set(block.subarray(1, from), 1)
  bytes.set(block.subarray(to), from)
  return bytes
}

/** Bytes of a short ASCII text with its head. */
function sizeOf(text: string): number {
  if (text.length < 24) return 1 + text.length
  return (text.length < 256 ? 2 : 3) + text.length
}

function decodeCommit(block: Uint8Array): Record<string, unknown> | undefined {
  const scan = scanCbor(block, SCAN)
  if ('fault' in scan || scan.end !== block.length) return undefined
  try {
    const value: unknown = decode(block)
    return isFields(value) && FIELDS.every((name) => Object.hasOwn(value, name)) ? value : undefined
  } catch {
    return undefined
  }
}
