import { hash } from 'node:crypto'
import { CidLinkWrapper } from '@atcute/cbor'
import { LIMITS } from './refusal.ts'

/**
 * One node of a Merkle search tree, its keys ascending and all on `layer` (null without keys).
 * `kids[i]` is the subtree before `keys[i]`, the last one that after all keys. Links are `cidKey`s.
 */
export type MstNode = {
  keys: string[]
  values: string[]
  kids: (string | null)[]
  layer: number | null
}

const MAX_KEY = 1024
const KEY = /^[a-zA-Z0-9_~\-:.]+\/[a-zA-Z0-9_~\-:.]+$/u
const NULL = 0xf6
const LIST = 4
/** Tag 42 of a byte string of 37: a zero byte and a CIDv1 of 36. */
const LINK = '\xd8\x2a\x58\x25\x00'
const CID = 36
const CID_TAIL = '\x12\x20'
const NODE_CID = '\x01\x71\x12\x20'
const RAW = 0x55
const DAG_CBOR = 0x71

/**
 * Parses a node (https://atproto.com/specs/repository); undefined unless the block is exactly the
 * one way to write it in DAG-CBOR, with valid keys in ascending order, prefixes as long as the key
 * before allows, and one layer for all.
 */
export function parseMstNode(block: Uint8Array): MstNode | undefined {
  if (block.length > LIMITS.blocks) return undefined
  const reader = new NodeReader(block)
  if (!reader.skip('\xa2\x61e')) return undefined
  const node: MstNode = { keys: [], values: [], kids: [null], layer: null }
  const count = reader.head(LIST)
  let last = ''
  for (let index = 0; index < count; index += 1) {
    const key = reader.entry(node, last)
    if (key === undefined) return undefined
    const layer = layerOf(key)
    if (node.layer !== null && node.layer !== layer) return undefined
    node.layer = layer
    last = key
  }
  if (count === -1 || !reader.skip('\x61l')) return undefined
  const left = reader.linkOrNull()
  if (left === undefined || !reader.ended) return undefined
  node.kids[0] = left
  return node
}

/** The one block of a node. */
export function encodeMstNode({ keys, values, kids }: Omit<MstNode, 'layer'>): Uint8Array {
  const parts = ['\xa2\x61e', head(LIST, keys.length)]
  let last = ''
  for (const [index, key] of keys.entries()) {
    const prefix = sharedPrefix(last, key)
    const rest = key.slice(prefix)
    parts.push('\xa4\x61k', head(2, rest.length), rest, '\x61p', head(0, prefix))
    parts.push('\x61t', linkText(kids[index + 1] ?? null), '\x61v', linkText(values[index] ?? null))
    last = key
  }
  parts.push('\x61l', linkText(kids[0] ?? null))
  return Buffer.from(parts.join(''), 'latin1')
}

/** The `cidKey` of a node's block. */
export function nodeLink(block: Uint8Array): string {
  return NODE_CID + hash('sha256', block, 'binary')
}

/** The link of a tree without records. */
export const EMPTY_TREE: string = nodeLink(encodeMstNode({ keys: [], values: [], kids: [null] }))

/** Half the leading zero bits of the key's SHA-256: about every fourth key is a layer higher. */
export function layerOf(key: string): number {
  // As text: making a Buffer of the digest takes twice as long as the hash.
  const digest = hash('sha256', key, 'binary')
  for (let index = 0; index < digest.length; index += 1) {
    const byte = digest.charCodeAt(index)
    if (byte !== 0) return index * 4 + ((Math.clz32(byte) - 24) >> 1)
  }
  return digest.length * 4
}

/** The link of a `cidKey`, and its text in `$link`. */
export function linkOf(key: string): CidLinkWrapper {
  return new CidLinkWrapper(Uint8Array.from(Buffer.from(key, 'latin1')))
}

class NodeReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(block: Uint8Array) {
    this.#bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Whether these bytes are next; then they are passed. */
  skip(expected: string): boolean {
    for (let index = 0; index < expected.length; index += 1) {
      if (this.#bytes[this.#at + index] !== expected.charCodeAt(index)) return false
    }
    this.#at += expected.length
    return true
  }

  /** The argument of a value of type `major` in its shortest form, under 2^32; -1 otherwise. */
  head(major: number): number {
    const first = (this.#bytes[this.#at] ?? 0xff) - (major << 5)
    if (first < 0 || first > 26) return -1
    this.#at += 1
    if (first < 24) return first
    const size = 1 << (first - 24)
    if (this.#at + size > this.#bytes.length) return -1
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value < (size === 1 ? 24 : 2 ** (size * 4)) ? -1 : value
  }

  /** Puts the next entry into the node and returns its key; `last` is the key before. */
  entry(node: MstNode, last: string): string | undefined {
    if (!this.skip('\xa4\x61k')) return undefined
    const length = this.head(2)
    const from = this.#at
    this.#at += length
    if (length === -1 || this.#at > this.#bytes.length || !this.skip('\x61p')) return undefined
    const prefix = this.head(0)
    if (prefix === -1 || prefix > last.length || prefix + length > MAX_KEY) return undefined
    const key = last.slice(0, prefix) + this.#bytes.toString('latin1', from, from + length)
    // A shorter prefix than possible would give the same tree a second hash.
    if (key <= last || (prefix < last.length && key[prefix] === last[prefix])) return undefined
    if (!KEY.test(key) || !this.skip('\x61t')) return undefined
    const right = this.linkOrNull()
    if (right === undefined || !this.skip('\x61v')) return undefined
    const value = this.#link()
    if (value === undefined) return undefined
    node.keys.push(key)
    node.values.push(value)
    node.kids.push(right)
    return key
  }

  /** The link to a subtree; undefined for anything else than one or null. */
  linkOrNull(): string | null | undefined {
    if (this.#bytes[this.#at] === NULL) {
      this.#at += 1
      return null
    }
    const link = this.#link()
    return link?.charCodeAt(1) === DAG_CBOR ? link : undefined
  }

  #link(): string | undefined {
    const start = this.#at + LINK.length
    if (!this.skip(LINK) || start + CID > this.#bytes.length) return undefined
    const codec = this.#bytes[start + 1]
    this.#at = start + 2
    const isKnown = this.#bytes[start] === 1 && (codec === DAG_CBOR || codec === RAW)
    if (!isKnown || !this.skip(CID_TAIL)) return undefined
    this.#at = start + CID
    return this.#bytes.toString('latin1', start, this.#at)
  }
}

function head(major: number, argument: number): string {
  const first = major << 5
  if (argument < 24) return String.fromCharCode(first + argument)
  if (argument < 0x100) return String.fromCharCode(first + 24, argument)
  if (argument < 0x10000) return String.fromCharCode(first + 25, argument >> 8, argument & 0xff)
  const bytes = [24, 16, 8, 0].map((shift) => (argument >>> shift) & 0xff)
  return String.fromCharCode(first + 26, ...bytes)
}

function linkText(link: string | null): string {
  return link === null ? '\xf6' : LINK + link
}

function sharedPrefix(one: string, other: string): number {
  const end = Math.min(one.length, other.length)
  let length = 0
  while (length < end && one.charCodeAt(length) === other.charCodeAt(length)) length += 1
  return length
}
