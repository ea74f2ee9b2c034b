import { namings, outcomeOf } from './handover.ts'
import { type Breach, breaches, certifiedIn } from './properties.ts'
import {
  type Epoch,
  type Local,
  type Protocol,
  FRESH,
  countOf,
  holdsOf,
  locksOf,
  transfersOf,
  withApply,
  withCertificate,
  withHandover,
  withLock,
  withSeal,
} from './state.ts'

/** Ends of one epoch: how many there are, and in how many the rule breaks a property. */
export type Counts = { cases: number } & Record<Extract<Breach, 'lost' | 'ambiguous'>, number>

/**
 * Counts the ends of one epoch one by one, without a search and without symmetry, so that it can
 * disagree with the search. A case is: for each honest validator no lock or any one; where that
 * makes a certificate, for each of them not to hold it, to hold it, or to have applied it as well;
 * which honest seals the handover names; and what the Byzantine seals beside them say, whoever of
 * the Byzantine validators says it. All have sealed, and all sign the handover.
 */
export function countEnds(protocol: Protocol): Counts {
  const honest = protocol.validators - protocol.byzantine
  const transfers = transfersOf(protocol)
  const counts: Counts = { cases: 0, lost: 0, ambiguous: 0 }
  const locked = [FRESH, ...transfers.map((one) => withLock(FRESH, one))]
  for (const locks of choices(Array.from({ length: honest }, () => locked))) {
    const certified = certifiedIn(protocol, { settled: 0, locals: locks })
    if (countOf(certified) > 1) throw new Error('Two certificates in one epoch.')
    const knows = (local: Local): readonly Local[] => {
      const holds = withCertificate(local, certified)
      return certified === 0 ? [local] : [local, holds, withApply(holds, certified)]
    }
    for (const locals of choices(locks.map(knows))) countHandovers(protocol, locals, counts)
  }
  return counts
}

function countHandovers(protocol: Protocol, locals: readonly Local[], counts: Counts): void {
  const sealed = locals.map((local) =>
    withSeal(local, { locks: locksOf(local), certificates: holdsOf(local) }),
  )
  const epoch: Epoch = { settled: 0, locals: sealed }
  for (const naming of namings(protocol, epoch)) {
    const outcome = outcomeOf(protocol, epoch, naming)
    const signed = sealed.map((local) => withHandover(local, outcome))
    const end = { shown: 0, epochs: [{ settled: 0, locals: signed }] }
    counts.cases += 1
    if (breaches.lost(protocol, end)) counts.lost += 1
    if (breaches.ambiguous(protocol, end)) counts.ambiguous += 1
  }
}

/** All ways to take one item of each list. */
function* choices<T>([first, ...others]: readonly (readonly T[])[]): Generator<readonly T[]> {
  if (!first) return yield []
  for (const rest of choices(others)) for (const one of first) yield [one, ...rest]
}
