import type { SignedCommit } from './commit.ts'

/** A commit in an answer: bytes as `{ $bytes }` (https://atproto.com/specs/data-model). */
export type CommitJson = {
  ver: number
  hash: BytesJson
  ikm: BytesJson
  sig: BytesJson
  mac: BytesJson
  rev: string
}

/** Bytes in JSON: base64 without padding. */
export type BytesJson = { $bytes: string }

const BYTES_MAX = 64
const REV_MAX = 13

/** A commit as it goes into an answer. */
export function commitToJson({ ver, hash, ikm, sig, mac, rev }: SignedCommit): CommitJson {
  return { ver, hash: to(hash), ikm: to(ikm), sig: to(sig), mac: to(mac), rev }
}

/**
 * A commit as it came in another host's answer; undefined unless it has the shape of one. A version
 * other than 1 is for `checkCommit` to name, so the type says only what that lets through.
 */
export function commitFromJson(value: unknown): SignedCommit | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const fields = value as Partial<Record<keyof SignedCommit, unknown>>
  const [hash, ikm, sig, mac] = [fields.hash, fields.ikm, fields.sig, fields.mac].map(from)
  return commitOf({ ver: fields.ver, hash, ikm, sig, mac, rev: fields.rev })
}

/** A commit of fields that are bytes already; undefined unless they are those of one. */
export function commitOf(
  fields: Partial<Record<keyof SignedCommit, unknown>>,
): SignedCommit | undefined {
  const { ver, hash, ikm, sig, mac, rev } = fields
  if (typeof ver !== 'number' || !Number.isSafeInteger(ver)) return undefined
  if (typeof rev !== 'string' || rev.length > REV_MAX) return undefined
  if (!isBytes(hash) || !isBytes(ikm) || !isBytes(sig) || !isBytes(mac)) return undefined
  return { ver: ver as 1, hash, ikm, sig, mac, rev }
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length <= BYTES_MAX
}

function to(bytes: Uint8Array): BytesJson {
  return { $bytes: Buffer.from(bytes).toString('base64').replace(/=+$/, '') }
}

function from(value: unknown): Uint8Array | undefined {
  const text = (value as Partial<BytesJson> | null | undefined)?.$bytes
  if (typeof text !== 'string' || text.length > BYTES_MAX * 2) return undefined
  const bytes = Buffer.from(text, 'base64')
  // The decoder skips what is not base64; only what it would write itself was read.
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined
}
