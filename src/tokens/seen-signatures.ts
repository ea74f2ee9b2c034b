import type { Attestation, CheckedBatches, Subject } from './attestation.ts'

const KEPT = 8_192

/** Signatures that need not be checked a second time: heads of batches that were found good, and
 *  attestations of one's own making. */
export type SeenSignatures = {
  readonly checked: CheckedBatches
  isOwn(about: Subject, by: Attestation): boolean
  /** Remembers what was just signed. */
  signed(about: Subject, by: Attestation): void
}

/** Remembers the last few thousand of each. What it holds changes how long a check takes, never
 *  what it says: an attestation is one's own only if it is the same in every part. */
export function seenSignatures(): SeenSignatures {
  const heads = lastOf<true>()
  const own = lastOf<Attestation>()
  return {
    checked: { has: (key) => heads.get(key) === true, add: (key) => heads.set(key, true) },
    isOwn(about, by) {
      const made = by.batch ? undefined : own.get(nameOf(about))
      return (
        made !== undefined &&
        made.validator === by.validator &&
        made.senderKey === by.senderKey &&
        made.observedAt === by.observedAt &&
        made.signature.$bytes === by.signature.$bytes
      )
    },
    signed(about, by) {
      if (!by.batch) own.set(nameOf(about), by)
    },
  }
}

function nameOf({ phase, committee, account, seq, prev, transfer }: Subject): string {
  return `${phase} ${committee} ${account} ${seq} ${prev} ${transfer}`
}

/** A map that forgets what was put in longest ago. */
function lastOf<T>() {
  const entries = new Map<string, T>()
  return {
    get: (key: string) => entries.get(key),
    set(key: string, value: T) {
      entries.set(key, value)
      if (entries.size <= KEPT) return
      for (const first of entries.keys()) {
        entries.delete(first)
        return
      }
    },
  }
}
