import { hash } from 'node:crypto'
import { BytesWrapper, CidLinkWrapper, decode } from '@atcute/cbor'
import { scanCbor } from './cbor-scan.ts'
import { isFields } from './message.ts'

/** A key of a node with its value and the subtree of the keys after it. */
export type MstEntry = { key: string; value: CidLinkWrapper; right: CidLinkWrapper | null }

/** One node of a Merkle search tree, its keys ascending and all on its layer. */
export type MstNode = { left: CidLinkWrapper | null; entries: MstEntry[]; layer: number | null }

const SCAN = { depth: 3, items: 200_000 }
const MAX_KEY = 1024
const KEY = /^[a-zA-Z0-9_~\-:.]+\/[a-zA-Z0-9_~\-:.]+$/u

/**
 * Reads a node (https://atproto.com/specs/repository); undefined unless it is one, with valid keys
 * in ascending order, prefixes taken from the key before, and one layer for all. The layer of a
 * node without keys is null.
 */
export function readMstNode(block: Uint8Array): MstNode | undefined {
  const scan = scanCbor(block, SCAN)
  if ('fault' in scan || scan.end !== block.length) return undefined
  try {
    const value: unknown = decode(block)
    return isFields(value) ? nodeOf(value) : undefined
  } catch {
    return undefined
  }
}

function nodeOf(fields: Record<string, unknown>): MstNode | undefined {
  const { l: left, e: list } = fields
  if (!isLinkOrNull(left) || !Array.isArray(list)) return undefined
  const entries: MstEntry[] = []
  let layer: number | null = null
  let last = ''
  for (const item of list as unknown[]) {
    const entry = entryOf(item, last)
    if (entry === undefined || entry.key <= last) return undefined
    const own = layerOf(entry.key)
    if (layer !== null && own !== layer) return undefined
    layer = own
    last = entry.key
    entries.push(entry)
  }
  return { left, entries, layer }
}

function entryOf(value: unknown, last: string): MstEntry | undefined {
  if (!isFields(value)) return undefined
  const { p: prefix, k: rest, v: cid, t: right } = value
  if (typeof prefix !== 'number' || !Number.isInteger(prefix)) return undefined
  if (prefix < 0 || prefix > last.length) return undefined
  if (!(rest instanceof BytesWrapper) || !(cid instanceof CidLinkWrapper)) return undefined
  if (!isLinkOrNull(right) || prefix + rest.buf.length > MAX_KEY) return undefined
  const key = last.slice(0, prefix) + Buffer.from(rest.buf).toString('latin1')
  // A shorter prefix than possible would give the same tree a second hash.
  if (prefix < last.length && key[prefix] === last[prefix]) return undefined
  return KEY.test(key) ? { key, value: cid, right } : undefined
}

/** Half the leading zero bits of the key's SHA-256: about every fourth key is a layer higher. */
export function layerOf(key: string): number {
  let layer = 0
  for (const byte of hash('sha256', key, 'buffer')) {
    if (byte === 0) layer += 4
    else return layer + ((Math.clz32(byte) - 24) >> 1)
  }
  return layer
}

function isLinkOrNull(value: unknown): value is CidLinkWrapper | null {
  return value === null || value instanceof CidLinkWrapper
}
