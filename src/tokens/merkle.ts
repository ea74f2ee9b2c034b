import { sameBytes } from './encoding.ts'
import type { TokenCrypto } from './token-crypto.ts'

const LEAF = 0
const NODE = 1

/** Longest path that is looked at: 2^32 leaves are more than there are. */
export const PATH_MAX = 32

/** The hash of a leaf, RFC 6962 §2.1: a prefix keeps a leaf from being taken for a node. */
export function leafHash(crypto: TokenCrypto, data: Uint8Array): Uint8Array {
  return crypto.sha256(prefixed(LEAF, data))
}

/** The Merkle tree hash of a list of data, RFC 6962 §2.1; of an empty list the hash of nothing. */
export function merkleRoot(crypto: TokenCrypto, data: readonly Uint8Array[]): Uint8Array {
  return treeOf(crypto, data).root
}

/** The root, and for each entry the way to it: the hashes beside it, from the leaf up. */
export function merkleTree(
  crypto: TokenCrypto,
  data: readonly Uint8Array[],
): { readonly root: Uint8Array; path(index: number): Uint8Array[] } {
  const { root, levels } = treeOf(crypto, data)
  const path = (index: number): Uint8Array[] => {
    const beside: Uint8Array[] = []
    let at = index
    for (const level of levels) {
      const sibling = level[at ^ 1]
      // The last of an odd level has none beside it and goes up as it is.
      if (sibling) beside.push(sibling)
      at >>= 1
    }
    return beside
  }
  return { root, path }
}

/** Whether `path` leads from entry `index` of `count` to `root`, RFC 9162 §2.1.3.2. */
export function isIncluded(
  crypto: TokenCrypto,
  proof: {
    readonly data: Uint8Array
    readonly index: number
    readonly count: number
    readonly path: readonly Uint8Array[]
    readonly root: Uint8Array
  },
): boolean {
  const { index, count, path, root } = proof
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count)) return false
  if (index < 0 || index >= count || path.length > PATH_MAX) return false
  let [at, last] = [index, count - 1]
  let hash = leafHash(crypto, proof.data)
  for (const beside of path) {
    if (last === 0 || beside.length !== 32) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(crypto, beside, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      hash = nodeHash(crypto, hash, beside)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && sameBytes(hash, root)
}

/** Not `>> 1`, which takes its number for one of 32 bits. */
function half(place: number): number {
  return Math.floor(place / 2)
}

/** Level by level, pairs from the left: the same tree as splitting at the largest power of two. */
function treeOf(crypto: TokenCrypto, data: readonly Uint8Array[]) {
  const levels: Uint8Array[][] = []
  let level = data.map((one) => leafHash(crypto, one))
  if (level.length === 0) return { root: crypto.sha256(new Uint8Array()), levels }
  while (level.length > 1) {
    levels.push(level)
    const next: Uint8Array[] = []
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at]!, level[at + 1]]
      next.push(right ? nodeHash(crypto, left, right) : left)
    }
    level = next
  }
  return { root: level[0]!, levels }
}

/** The hash of a node from those of the two below it, RFC 6962 §2.1. */
export function nodeHash(crypto: TokenCrypto, left: Uint8Array, right: Uint8Array): Uint8Array {
  const whole = new Uint8Array(1 + left.length + right.length)
  whole[0] = NODE
  whole.set(left, 1)
  whole.set(right, 1 + left.length)
  return crypto.sha256(whole)
}

function prefixed(prefix: number, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(data.length + 1)
  whole[0] = prefix
  whole.set(data, 1)
  return whole
}
