import { certifiedIn } from './properties.ts'
import {
  type Epoch,
  type Protocol,
  type Seal,
  type Transfers,
  hasSealed,
  helping,
  sealOf,
} from './state.ts'

/** Seals that a handover names: those of honest validators by their place, and what the Byzantine
 *  ones beside them wrote into theirs. */
export type Naming = { honest: readonly number[]; byzantine: readonly Seal[] }

/**
 * Every set of seals that a handover of this epoch could name. A Byzantine seal says anything that
 * can be verified: no lock or any one (the sender has signed all transfers), and any certificates
 * that can be put together; the same validator may seal otherwise for another handover.
 */
export function* namings(protocol: Protocol, epoch: Epoch): Generator<Naming> {
  const wanted = protocol.quorum - (protocol.weakness === 'one seal too few' ? 1 : 0)
  const sealed = epoch.locals.flatMap((local, place) => (hasSealed(local) ? [place] : []))
  const lies = byzantineSeals(protocol, certifiedIn(protocol, epoch))
  for (let others = Math.min(wanted, helping(protocol)); others >= 0; others--)
    for (const honest of subsets(sealed, wanted - others))
      for (const byzantine of repeated(lies, others)) yield { honest, byzantine }
}

/** What a handover that names these seals settles: what was settled before stays settled. */
export function outcomeOf(protocol: Protocol, epoch: Epoch, naming: Naming): Transfers {
  const honest = naming.honest.map((place) => sealOf(epoch.locals[place]!))
  return epoch.settled | protocol.rule.carry([...honest, ...naming.byzantine], protocol.faults)
}

const known = new WeakMap<Protocol, Map<string, number>>()

/** The outcomes that some set of seals gives, as bits: bit `o` stands for the transfers `o`. */
export function outcomesOf(protocol: Protocol, epoch: Epoch): number {
  let outcomes = known.get(protocol)
  if (!outcomes) known.set(protocol, (outcomes = new Map<string, number>()))
  const seals = epoch.locals.filter(hasSealed).map(sealOf)
  const words = seals.map((seal) => seal.locks * 8 + seal.certificates)
  words.sort((a, b) => a - b)
  const key = [epoch.settled, certifiedIn(protocol, epoch), ...words].join()
  const before = outcomes.get(key)
  if (before !== undefined) return before
  let all = 0
  for (const naming of namings(protocol, epoch)) all |= 1 << outcomeOf(protocol, epoch, naming)
  outcomes.set(key, all)
  return all
}

function byzantineSeals(protocol: Protocol, certified: Transfers): readonly Seal[] {
  const seals: Seal[] = []
  const most = 1 << protocol.transfers
  for (let certificates = 0; certificates < most; certificates++) {
    if ((certificates & ~certified) !== 0) continue
    for (const locks of [0, 1, 2, 4]) if (locks < most) seals.push({ locks, certificates })
  }
  return seals
}

/** All ways to take `count` of the items, in order. */
function* subsets<T>(items: readonly T[], count: number): Generator<readonly T[]> {
  if (count === 0) yield []
  for (let first = 0; count > 0 && first + count <= items.length; first++)
    for (const rest of subsets(items.slice(first + 1), count - 1)) yield [items[first]!, ...rest]
}

/** All ways to take `count` of the items where each may be taken again. */
function* repeated<T>(items: readonly T[], count: number): Generator<readonly T[]> {
  if (count === 0) yield []
  for (let first = 0; count > 0 && first < items.length; first++)
    for (const rest of repeated(items.slice(first), count - 1)) yield [items[first]!, ...rest]
}
