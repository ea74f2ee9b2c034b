import { createHmac, randomBytes } from 'node:crypto'
import { isValidTid } from '@atproto/syntax'
import { verifySignature } from '../crypto/ecdsa.ts'
import { sameHash } from './set-hash.ts'

/** One state of a permissioned repo (`com.atproto.space.defs#signedCommit`). */
export type SignedCommit = {
  ver: 1
  /** digest of the set hash, 32 bytes */
  hash: Uint8Array
  /** 32 random bytes, other ones for each reader */
  ikm: Uint8Array
  /** over the context only, 64 bytes */
  sig: Uint8Array
  /** binds the hash to the context, 32 bytes */
  mac: Uint8Array
  rev: string
}

/** Whose repo in which space a commit is of. */
export type CommitOf = { space: string; author: string }

/** What is wrong with a commit. */
export type CommitFault = 'BadVersion' | 'BadRev' | 'BadMac' | 'BadSignature'

/** What is signed: it names the place and the revision, and is drawn anew for each reader. */
export type CommitContext = CommitOf & { rev: string; ikm: Uint8Array }

/** Signs bytes with the author's #atproto key: 64 bytes r || s with a low s. */
export type SignBytes = (bytes: Uint8Array) => Promise<Uint8Array>

const TAG = Buffer.from('atproto-space-v1')
const DIGEST = 32
const FIELD_MAX = 0xffff

/**
 * The bytes that are signed (proposal 0016, "Commit"): the tag, then space, author, revision and
 * ikm, each behind its length in two bytes, big-endian. Throws `RangeError` for a longer field.
 */
export function commitContext({ space, author, rev, ikm }: CommitContext): Uint8Array {
  const parts: Uint8Array[] = [TAG]
  for (const field of [Buffer.from(space), Buffer.from(author), Buffer.from(rev), ikm]) {
    if (field.length > FIELD_MAX) throw new RangeError('a field of the context is too long')
    parts.push(Uint8Array.of(field.length >> 8, field.length & 0xff), field)
  }
  return Buffer.concat(parts)
}

/**
 * Signs that the repo had `hash` at `rev`. The signature never covers the hash, only the MAC does,
 * whose key everyone has who has the commit: a reader knows, and can prove it to nobody else.
 */
export async function signCommit(
  to: CommitOf & { rev: string; hash: Uint8Array; sign: SignBytes; ikm?: Uint8Array },
): Promise<SignedCommit> {
  const { space, author, rev, hash, ikm = randomBytes(DIGEST) } = to
  const context = commitContext({ space, author, rev, ikm })
  const sig = await to.sign(context)
  return { ver: 1, hash, ikm, sig, mac: commitMac(ikm, context, hash), rev }
}

/**
 * What is wrong with a commit, undefined when it is the author's word about the repo. Looked at in
 * this order: version, revision, MAC, signature. After `BadSignature` refresh the identity once and
 * try again, as the key may be new. Whether the hash is that of the records is checked beside this.
 */
export function checkCommit(
  commit: SignedCommit,
  by: CommitOf & { signingKey: string },
): CommitFault | undefined {
  const { ver, rev, ikm, hash, mac, sig } = commit
  if (ver !== 1) return 'BadVersion'
  if (!isValidTid(rev)) return 'BadRev'
  if (ikm.length !== DIGEST || hash.length !== DIGEST) return 'BadMac'
  const context = commitContext({ space: by.space, author: by.author, rev, ikm })
  if (!sameHash(commitMac(ikm, context, hash), mac)) return 'BadMac'
  if (!verifySignature({ didKey: by.signingKey, bytes: context, signature: sig })) {
    return 'BadSignature'
  }
  return undefined
}

/** HMAC-SHA256 of the hash under HKDF-Expand(ikm, context), one block of RFC 5869 §2.3: the ikm is
 *  random already, so nothing is extracted from it first (proposal 0016, "Commit"). */
export function commitMac(ikm: Uint8Array, context: Uint8Array, hash: Uint8Array): Uint8Array {
  const key = createHmac('sha256', ikm).update(context).update(Uint8Array.of(1)).digest()
  return createHmac('sha256', key).update(hash).digest()
}
