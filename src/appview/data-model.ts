import { type LexValue, isCid } from '@atproto/lex'
import { decode, encode } from '@atproto/lex-cbor'

/** Why something cannot be a record here, and what of it. */
export type Fault = { readonly reason: 'NotARecord' | 'Unstorable'; readonly detail: string }

/** As deep as the firehose lets records be. */
const DEPTH_MAX = 32
const PROTO = '__proto__'
/** What a decoder puts in the place of bytes that are no text. */
const REPLACEMENT = '\uFFFD'

/** Decodes a record block and checks that it holds values of the data model only
 *  (atproto.com/specs/data-model) that can be stored and shown as they were signed. */
export function readRecord(bytes: Uint8Array): { readonly value: LexValue } | Fault {
  let value: LexValue
  try {
    value = decode(bytes)
  } catch (error) {
    return not(error instanceof Error ? error.message : String(error))
  }
  const seen = { replacement: false }
  const fault = faultIn(value, { path: '', depth: 1, seen })
  if (fault) return fault
  // Decoding may have lost something at these; they may just as well have been written so.
  const doubtful = seen.replacement || bufferOf(bytes).includes(PROTO)
  if (doubtful && !bufferOf(bytes).equals(encode(value)))
    return not('it holds text that is not UTF-8, or a name that objects cannot have')
  return { value }
}

const not = (detail: string): Fault => ({ reason: 'NotARecord', detail })
const unstorable = (detail: string): Fault => ({ reason: 'Unstorable', detail })

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

type At = { path: string; depth: number; seen: { replacement: boolean } }

function faultIn(value: unknown, at: At): Fault | undefined {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) return unstorable(`${at.path} holds text that cannot be stored`)
      if (value.includes(REPLACEMENT)) at.seen.replacement = true
      return undefined
    case 'number':
      if (!Number.isInteger(value)) return not(`${at.path} is not a whole number`)
      return Number.isSafeInteger(value) ? undefined : inexact(at)
    case 'boolean':
      return undefined
    case 'bigint':
      return inexact(at)
    case 'object':
      return value === null || value instanceof Uint8Array || isCid(value)
        ? undefined
        : faultInside(value, at)
    default:
      return not(`${at.path} is no value`)
  }
}

const inexact = ({ path }: At): Fault => unstorable(`${path} holds a number that is not exact`)

function faultInside(value: object, { path, depth, seen }: At): Fault | undefined {
  if (depth > DEPTH_MAX) return not(`more than ${DEPTH_MAX} levels`)
  const isList = Array.isArray(value)
  for (const [name, inner] of Object.entries(value)) {
    const at = { path: path === '' ? name : `${path}.${name}`, depth: depth + 1, seen }
    const fault = isList ? undefined : (faultIn(name, at) ?? faultyField(name, inner, at))
    const found = fault ?? faultIn(inner, at)
    if (found) return found
  }
  return undefined
}

/** Names that mean something in a record's JSON form, and names that mean nothing. */
function faultyField(name: string, inner: unknown, { path }: At): Fault | undefined {
  if (name === '') return not(`${path} has no name`)
  if (name === '$link' || name === '$bytes') return not(`${path} stands for what it is not`)
  if (name === '$type' && typeof inner !== 'string') return not(`${path} is no text`)
  return undefined
}
