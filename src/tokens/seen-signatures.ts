import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import type { Attestation, BatchHead, CheckedBatches, SignedHead, Subject } from './attestation.ts'
import { sameBytes } from './encoding.ts'
import type { KnownTree } from './known-tree.ts'

/** Most own attestations that are remembered. */
const KEPT = 8_192
/** Most nodes of trees that are remembered, 32 bytes each. */
const NODES_MAX = 262_144
/** What a head takes beside its tree, in nodes. */
const HEAD_NODES = 24

/** Signatures that need not be checked a second time: heads of batches that were found good, and
 *  attestations of one's own making. */
export type SeenSignatures = {
  readonly checked: CheckedBatches
  isOwn(about: Subject, by: Attestation): boolean
  /** Remembers what was just signed. */
  signed(about: Subject, by: Attestation): void
}

/** Remembers the last few thousand of each. What it holds changes how long a check takes, never
 *  what it says: an attestation is one's own, and a head is known, only if it is the same in every
 *  part. */
export function seenSignatures(): SeenSignatures {
  const own = lastOf<{ readonly about: Subject; readonly by: Attestation }>(KEPT)
  return {
    checked: checkedBatches(),
    isOwn(about, by) {
      const made = own.get(nameOf(about))
      return made !== undefined && isSameSubject(made.about, about) && isSame(made.by, by)
    },
    signed: (about, by) => own.set(nameOf(about), { about, by }, 1),
  }
}

/** Remembers the last heads that were checked, of each validator and number the last one. */
export function checkedBatches(): CheckedBatches {
  const heads = lastOf<{ readonly signed: SignedHead; readonly tree: KnownTree }>(NODES_MAX)
  return {
    find(signed) {
      const known = heads.get(placeOf(signed))
      return known && isSameHead(known.signed, signed) ? known.tree : undefined
    },
    add(signed, tree) {
      heads.set(placeOf(signed), { signed: copied(signed), tree }, tree.size + HEAD_NODES)
    },
  }
}

/** Without the certificate that it came in, whose bytes it would keep in memory. */
function copied({ head, signature, ...signed }: SignedHead): SignedHead {
  const { number, previous, root, count } = head
  const chain = previous === undefined ? { number } : { number, previous }
  return { ...signed, signature: copy(signature), head: { ...chain, root: copy(root), count } }
}

function copy(bytes: Bytes): Bytes {
  return toBytes(fromBytes(bytes).slice())
}

function placeOf({ validator, head }: SignedHead): string {
  return `${head.number} ${validator}`
}

function isSameHead(a: SignedHead, b: SignedHead): boolean {
  return (
    a.key === b.key &&
    a.ledger === b.ledger &&
    a.epoch === b.epoch &&
    a.validator === b.validator &&
    isEqual(a.signature, b.signature) &&
    isSameBatch(a.head, b.head)
  )
}

function isSameBatch(a: BatchHead, b: BatchHead): boolean {
  return (
    a.number === b.number &&
    a.previous === b.previous &&
    a.count === b.count &&
    isEqual(a.root, b.root)
  )
}

function nameOf({ phase, transfer }: Subject): string {
  return `${phase} ${transfer}`
}

function isSameSubject(a: Subject, b: Subject): boolean {
  return (
    a.phase === b.phase &&
    a.ledger === b.ledger &&
    a.epoch === b.epoch &&
    a.committee === b.committee &&
    a.account === b.account &&
    a.seq === b.seq &&
    a.prev === b.prev &&
    a.transfer === b.transfer
  )
}

function isSame(a: Attestation, b: Attestation): boolean {
  return (
    a.validator === b.validator &&
    a.senderKey === b.senderKey &&
    a.observedAt === b.observedAt &&
    isEqual(a.signature, b.signature) &&
    isSamePlace(a.batch, b.batch)
  )
}

function isSamePlace(a: Attestation['batch'], b: Attestation['batch']): boolean {
  if (!a || !b) return a === b
  return (
    isSameBatch(a, b) &&
    a.index === b.index &&
    a.path.length === b.path.length &&
    a.path.every((one, at) => isEqual(one, b.path[at]!))
  )
}

function isEqual(a: Bytes, b: Bytes): boolean {
  return sameBytes(fromBytes(a), fromBytes(b))
}

/** A map that forgets what was put in longest ago, once all of it weighs more than `max`. */
function lastOf<T>(max: number) {
  const entries = new Map<string, { readonly value: T; readonly weight: number }>()
  let total = 0
  const remove = (key: string) => {
    total -= entries.get(key)?.weight ?? 0
    entries.delete(key)
  }
  return {
    get: (key: string) => entries.get(key)?.value,
    set(key: string, value: T, weight: number) {
      remove(key)
      entries.set(key, { value, weight })
      total += weight
      for (const oldest of entries.keys()) {
        if (total <= max) return
        remove(oldest)
      }
    },
  }
}
