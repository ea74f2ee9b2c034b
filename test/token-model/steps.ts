import { outcomesOf } from './handover.ts'
import { certifiedIn, everFinal, handoversOf } from './properties.ts'
import {
  type Epoch,
  type Local,
  type Protocol,
  type Seal,
  type State,
  type Transfers,
  appliedOf,
  freshEpoch,
  hasSealed,
  holdsOf,
  locksOf,
  signedOf,
  transfersOf,
  withApply,
  withCertificate,
  withHandover,
  withLock,
  withSeal,
} from './state.ts'

/** One thing that happens. `epoch` is its place among the epochs in the state. */
export type Step =
  | { kind: 'lock' | 'learn' | 'apply'; epoch: number; validator: number; transfer: Transfers }
  | { kind: 'seal'; epoch: number; validator: number }
  | { kind: 'sign'; epoch: number; validator: number; outcome: Transfers }
  | { kind: 'begin'; epoch: number; outcome: Transfers }

type Visit = (next: State, step: Step) => void

/** Of honest validators in the same state one speaks for all, unless `everyone` is asked. */
type Of = { protocol: Protocol; everyone?: boolean }

/**
 * Tells of everything that can happen next. Messages are not modelled one by one: a signature is
 * the adversary's as soon as it is made, and each step of a validator is the arrival of whatever
 * made it take it. So every order, delay and loss of messages is one path through these steps.
 */
export function eachStep({ protocol, everyone = false }: Of, state: State, visit: Visit): void {
  state.epochs.forEach((epoch, at) => {
    const certified = shownIn(protocol, state.epochs, at)
    epoch.locals.forEach((local, validator) => {
      if (!everyone && epoch.locals.indexOf(local) < validator) return
      const by = { epoch: at, validator }
      const become = (next: Local, step: Step) =>
        visit(withEpoch(state, at, withLocal(epoch, validator, next)), step)
      transferSteps(protocol, { epoch, local, certified }, (kind, transfer, next) =>
        become(next, { kind, ...by, transfer }),
      )
      if (!hasSealed(local)) become(sealed(protocol, local), { kind: 'seal', ...by })
      for (const outcome of handoversToSign(protocol, epoch, local))
        become(withHandover(local, outcome), { kind: 'sign', ...by, outcome })
    })
  })
  beginNext(protocol, state, visit)
}

/** Lock certificates that honest validators of an epoch accept: those of its own committee. */
function shownIn(protocol: Protocol, epochs: readonly Epoch[], at: number): Transfers {
  const own = certifiedIn(protocol, epochs[at]!)
  const before = epochs[at - 1]
  const believes = protocol.weakness === 'believes certificates of the epoch before'
  return before && believes ? own | certifiedIn(protocol, before) : own
}

type Place = { epoch: Epoch; local: Local; certified: Transfers }

/** Locks, certificates and applies of an honest validator that has not sealed. */
function transferSteps(
  { weakness, ...protocol }: Protocol,
  { epoch, local, certified }: Place,
  tell: (kind: 'lock' | 'learn' | 'apply', transfer: Transfers, next: Local) => void,
): void {
  if (hasSealed(local) && weakness !== 'signs after its seal') return
  if (epoch.settled !== 0 && weakness !== 'locks a slot that is taken') return
  const forgets = weakness === 'forgets its lock in a crash'
  const believes = weakness === 'applies without a certificate'
  for (const one of transfersOf({ weakness, ...protocol })) {
    // One lock for a slot and epoch, durable: once signed, never another (I4).
    if (locksOf(local) === 0 || (forgets && !(locksOf(local) & one)))
      tell('lock', one, withLock(local, one))
    // It keeps any certificate it is shown, that of a rival too.
    if (certified & one & ~holdsOf(local)) tell('learn', one, withCertificate(local, one))
    // It applies one transfer for a slot, and none without its certificate.
    if (appliedOf(local) === 0 && (believes || holdsOf(local) & one))
      tell('apply', one, withApply(local, one))
  }
}

/** An honest seal has all locks and all certificates its validator has. */
function sealed({ weakness }: Protocol, local: Local): Local {
  const certificates = weakness === 'seals without its certificates' ? 0 : holdsOf(local)
  const seal: Seal = { locks: locksOf(local), certificates }
  return withSeal(local, seal)
}

/** A validator that has sealed signs one handover of the epoch, of whatever seals it is shown. */
function handoversToSign(protocol: Protocol, epoch: Epoch, local: Local): readonly Transfers[] {
  if (!hasSealed(local)) return []
  const signed = signedOf(local)
  if (signed !== 0 && protocol.weakness !== 'signs two handovers') return []
  const theirs = epoch.locals.reduce((all, other) => all | signedOf(other), 0)
  // Where one handover is proposed, all sign the one that the first of them was shown. What an
  // honest validator has signed has been verified, and can be shown again.
  const possible =
    protocol.proposals === 'one' && theirs !== 0 ? theirs : outcomesOf(protocol, epoch) | theirs
  const outcomes: Transfers[] = []
  for (let outcome = 0; possible >> outcome !== 0; outcome++)
    if (possible & ~signed & (1 << outcome)) outcomes.push(outcome)
  return outcomes
}

/**
 * A valid handover lets the next epoch begin. Validators of the old one who have not sealed may go
 * on signing in it for ever, without either epoch noticing the other: their steps and those of the
 * new epoch can be swapped in any run. With one live epoch the search therefore takes all steps of
 * the old epoch first, and keeps of it what later epochs and properties can see: what it settled,
 * and what was shown final.
 */
function beginNext(protocol: Protocol, state: State, visit: Visit): void {
  const last = state.epochs.at(-1)!
  for (const outcome of handoversOf(protocol, last)) {
    const step: Step = { kind: 'begin', epoch: state.epochs.length - 1, outcome }
    const next = freshEpoch(protocol, outcome)
    if (protocol.liveEpochs === 1)
      visit({ shown: everFinal(protocol, state), epochs: [next] }, step)
    else if (state.epochs.length < protocol.liveEpochs)
      visit({ shown: state.shown, epochs: [...state.epochs, next] }, step)
  }
}

function withLocal({ settled, locals }: Epoch, validator: number, next: Local): Epoch {
  return { settled, locals: locals.with(validator, next) }
}

function withEpoch({ shown, epochs }: State, at: number, epoch: Epoch): State {
  return { shown, epochs: epochs.with(at, epoch) }
}
