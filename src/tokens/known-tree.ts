import { isIncluded, leafHash, nodeHash } from './merkle.ts'
import type { TokenCrypto } from './token-crypto.ts'

const HASH = 32
/** Of larger trees nothing is remembered: no validator of ours makes one. */
const LEAVES_MAX = 512

/** A Merkle tree whose root is trusted, and what is known of it. */
export type KnownTree = {
  /** Most nodes that it remembers. */
  readonly size: number
  /** Whether `path` leads from entry `index` to the root: just what `isIncluded` says. */
  includes(proof: {
    readonly data: Uint8Array
    readonly index: number
    readonly path: readonly Uint8Array[]
  }): boolean
}

/**
 * Remembers the nodes that were found to lead to a root, so that the way of another entry is hashed
 * up to the first of them only. SHA-256 has no known collisions, so at each place of the tree one
 * hash leads to the root: where a node is known, any other leads elsewhere. Each known node was on
 * a whole way to the root or beside one, so all beside and above it is known as well, and the rest
 * of the way has to be just that. Both answers are therefore those of `isIncluded`.
 */
export function knownTree(
  crypto: TokenCrypto,
  { root, count }: { readonly root: Uint8Array; readonly count: number },
): KnownTree {
  const isSmall = Number.isSafeInteger(count) && count >= 1 && count <= LEAVES_MAX
  if (!isSmall || root.length !== HASH) {
    return { size: 0, includes: (proof) => isIncluded(crypto, { ...proof, root, count }) }
  }
  const levels = levelsOf(count)
  const nodes = nodeTable(levels.at(-1)!.start + 1)
  nodes.learn(nodes.size - 1, root)
  return {
    size: nodes.size,
    includes({ data, index, path }) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= count) return false
      const found: { readonly place: number; readonly hash: Uint8Array }[] = []
      // Undefined from the first known node on.
      let hash: Uint8Array | undefined = leafHash(crypto, data)
      let [at, used] = [index, 0]
      for (const { start, width } of levels) {
        const place = start + at
        if (hash && nodes.knows(place)) {
          if (!nodes.is(place, hash)) return false
          hash = undefined
        }
        if (hash) found.push({ place, hash })
        // The last of an odd level has none beside it and goes up as it is.
        if ((at ^ 1) < width) {
          const [beside, given] = [start + (at ^ 1), path[used]]
          used += 1
          if (given?.length !== HASH) return false
          if (hash) {
            found.push({ place: beside, hash: given })
            hash = at % 2 === 1 ? nodeHash(crypto, given, hash) : nodeHash(crypto, hash, given)
          } else if (!nodes.is(beside, given)) return false
        }
        at >>= 1
      }
      if (used !== path.length) return false
      for (const one of found) nodes.learn(one.place, one.hash)
      return true
    },
  }
}

/** Where the nodes of each level stand in a table, from the leaves to the root. */
function levelsOf(count: number): readonly { readonly start: number; readonly width: number }[] {
  const levels = [{ start: 0, width: count }]
  for (let level = levels[0]!; level.width > 1; levels.push(level)) {
    level = { start: level.start + level.width, width: Math.ceil(level.width / 2) }
  }
  return levels
}

/** Hashes by their places, in one block of memory. */
function nodeTable(size: number) {
  const hashes = new Uint8Array(size * HASH)
  const known = new Uint8Array(size)
  return {
    size,
    knows: (place: number) => known[place] === 1,
    is(place: number, hash: Uint8Array) {
      for (let at = 0; at < HASH; at += 1) if (hashes[place * HASH + at] !== hash[at]) return false
      return true
    },
    learn(place: number, hash: Uint8Array) {
      hashes.set(hash, place * HASH)
      known[place] = 1
    },
  }
}
