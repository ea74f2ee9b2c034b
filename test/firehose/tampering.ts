import { type CidLinkWrapper, encode, toBytes } from '@atcute/cbor'
import { type CommitParts, type Tampering, cidOf } from './fake-repo.ts'

/** The first operation of a commit. */
export function firstOp(parts: CommitParts) {
  const [op] = parts.ops
  if (op === undefined) throw new Error('no operation')
  return op
}

/** The CID of the first operation's record, as text. */
export function recordKey(parts: CommitParts): string {
  return firstOp(parts).cid?.$link ?? ''
}

/** A tree of one node; its key is the first operation's. */
export function replaceTree(make: (key: string, value: CidLinkWrapper) => Uint8Array): Tampering {
  return {
    parts: (parts) => {
      const { path, cid } = firstOp(parts)
      const bytes = make(path, cid ?? cidOf(encode({})))
      const root = cidOf(bytes)
      parts.blocks.set(root.$link, { cid: root, bytes })
      parts.unsigned.data = root
    },
  }
}

/** A commit whose one record is these bytes, in a tree of one node that is right after an
 *  empty one. */
export function writeRaw(bytes: Uint8Array): Tampering {
  return {
    parts: (parts) => {
      const cid = cidOf(bytes)
      parts.blocks.set(cid.$link, { cid, bytes })
      parts.ops[0] = { ...firstOp(parts), cid }
      const tree = nodeOf([entryOf(0, firstOp(parts).path, cid)])
      const root = cidOf(tree)
      parts.blocks.set(root.$link, { cid: root, bytes: tree })
      parts.unsigned.data = root
      parts.prevData = cidOf(nodeOf([]))
    },
  }
}

/** A node without a subtree on its left. */
export function nodeOf(entries: object[]): Uint8Array {
  return encode({ l: null, e: entries })
}

/** An entry of a node without a subtree after it. */
export function entryOf(prefix: number, rest: string, value: CidLinkWrapper) {
  return { p: prefix, k: toBytes(Buffer.from(rest)), v: value, t: null }
}

/** Lists in lists, this many levels deep. */
export function nested(levels: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(levels, 0x81), Buffer.from([0])])
}

/** The revision of a time. */
export function tidOf(milliseconds: number): string {
  const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
  let left = milliseconds * 1000
  let text = ''
  for (let index = 0; index < 11; index += 1) {
    text = (alphabet[left % 32] ?? '') + text
    left = Math.floor(left / 32)
  }
  return `${text}22`
}
