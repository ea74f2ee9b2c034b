import {
  type Epoch,
  type Protocol,
  type State,
  type Transfers,
  appliedOf,
  countOf,
  helping,
  holdsOf,
  locksOf,
  signedOf,
  transfersOf,
} from './state.ts'

/**
 * What is true of an epoch, and what must be true of every state. Who signs gives the signature to
 * the adversary, who runs the network: a certificate that can be put together counts as one that
 * somebody has been shown.
 */

/** Transfers with a lock certificate: enough signatures, or an honest validator holds it. */
export function certifiedIn(protocol: Protocol, epoch: Epoch): Transfers {
  return epoch.locals.reduce((all, l) => all | holdsOf(l), signedByQuorum(protocol, epoch, locksOf))
}

/** Transfers with an apply certificate. */
export function appliedIn(protocol: Protocol, epoch: Epoch): Transfers {
  return signedByQuorum(protocol, epoch, appliedOf)
}

/** Transfers that enough validators of a kind of signature signed. */
function signedByQuorum(
  protocol: Protocol,
  { locals }: Epoch,
  signatures: (local: number) => Transfers,
): Transfers {
  const need = protocol.quorum - helping(protocol)
  let enough = 0
  for (const one of transfersOf(protocol)) {
    let count = 0
    for (const local of locals) if (signatures(local) & one) count += 1
    if (count >= need) enough |= one
  }
  return enough
}

/** Valid handovers of an epoch, by what they settle. Honest validators sign one each, so there
 *  should be one at most. */
export function handoversOf(protocol: Protocol, { locals }: Epoch): readonly Transfers[] {
  const fewer = protocol.weakness === 'one handover signature too few' ? 1 : 0
  const need = protocol.quorum - fewer - helping(protocol)
  let signed = 0
  for (const local of locals) signed |= signedOf(local)
  const valid: Transfers[] = []
  for (let outcome = 0; signed >> outcome !== 0; outcome++) {
    if ((signed & (1 << outcome)) === 0) continue
    let count = 0
    for (const local of locals) if (signedOf(local) & (1 << outcome)) count += 1
    if (count >= need) valid.push(outcome)
  }
  return valid
}

/** Transfers that somebody may have been shown as final in this epoch: settled before it, by the
 *  certificate that the rule takes for final, or in a valid handover. */
export function finalIn(protocol: Protocol, epoch: Epoch): Transfers {
  const shown = protocol.rule.final === 'lock' ? certifiedIn : appliedIn
  return handoversOf(protocol, epoch).reduce(
    (all, outcome) => all | outcome,
    epoch.settled | shown(protocol, epoch),
  )
}

/** What must never be: I3 (first three) and I7 of the ledger's invariants. I4, that an honest
 *  validator signs one lock, is a step's condition; that it matters is seen where it is missing. */
export type Breach = 'two certificates' | 'two settled' | 'ambiguous' | 'lost' | 'contradicted'

/** Something that is true of a state, or not. */
export type Property = (protocol: Protocol, state: State) => boolean

/** Each says whether a state is broken. */
export const breaches: Readonly<Record<Breach, Property>> = {
  /** two transfers have a lock certificate in one epoch */
  'two certificates': (protocol, { epochs }) =>
    epochs.some((epoch) => countOf(certifiedIn(protocol, epoch)) > 1),

  /** two transfers are settled at the slot, in one handover or in two */
  'two settled': (protocol, { epochs }) => countOf(settledIn(protocol, epochs)) > 1,

  /** a valid handover settles a transfer that has a certificate, and its rival as well */
  ambiguous: (protocol, { epochs }) =>
    epochs.some(
      (epoch) =>
        certifiedIn(protocol, epoch) !== 0 &&
        handoversOf(protocol, epoch).some((outcome) => countOf(outcome) > 1),
    ),

  /** what was shown final in an epoch, or before it, is missing from its valid handover */
  lost: (protocol, { shown, epochs }) =>
    (shown & ~epochs[0]!.settled) !== 0 ||
    epochs.some((epoch) => {
      const final = finalIn(protocol, epoch)
      return handoversOf(protocol, epoch).some((outcome) => (final & ~outcome) !== 0)
    }),

  /** two transfers for the slot were both shown final, at any time */
  contradicted: (protocol, state) => countOf(everFinal(protocol, state)) > 1,
}

/** The breaches in the order in which a report names them. */
export const BREACHES = Object.keys(breaches) as readonly Breach[]

/** All that was ever shown final. */
export function everFinal(protocol: Protocol, { shown, epochs }: State): Transfers {
  return epochs.reduce((all, epoch) => all | finalIn(protocol, epoch), shown)
}

function settledIn(protocol: Protocol, epochs: readonly Epoch[]): Transfers {
  return epochs.reduce(
    (all, epoch) => handoversOf(protocol, epoch).reduce((a, o) => a | o, all | epoch.settled),
    0,
  )
}
