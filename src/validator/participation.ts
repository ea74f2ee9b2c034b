import type { Committee } from '../tokens/epoch.ts'
import type { Applied } from '../tokens/ledger-view.ts'
import type { Seal } from '../tokens/seal.ts'

/** `YYYY-MM-DDTHH`: an hour is a slot. */
const SLOT = 13

/** In how many hours each validator is seen to have voted, by the certificates of the epoch.
 *  Availability counts, not how much was signed: there is nothing to gain from more transfers. */
export function participationOf(
  applied: readonly Applied[],
  committee: Committee,
): Seal['participation'] {
  const slots = new Map([...committee.keys.keys()].map((did) => [did, new Set<string>()]))
  for (const { certificate } of applied) {
    for (const { validator, observedAt } of certificate.attestations) {
      slots.get(validator)?.add(observedAt.slice(0, SLOT))
    }
  }
  return [...slots].map(([validator, seen]) => ({ validator, slots: seen.size }))
}
