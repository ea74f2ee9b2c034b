import { type Naming, namings, outcomeOf } from './handover.ts'
import { certifiedIn, appliedIn, finalIn, handoversOf } from './properties.ts'
import type { Found } from './search.ts'
import {
  type Epoch,
  type Protocol,
  type State,
  type Transfers,
  appliedOf,
  initialState,
  locksOf,
  sealOf,
  signedOf,
} from './state.ts'
import { type Step, eachStep } from './steps.ts'

/**
 * The way to a state, told for a reader, one line for each step and for what then holds. Packed
 * states have no names; here everybody keeps the name of the first state: honest validators are 1,
 * 2, …, and the Byzantine ones follow.
 */
export function retell(protocol: Protocol, { path, packing }: Pick<Found, 'path' | 'packing'>) {
  const lines: string[] = ['epoch 1: the slot is free']
  const teller = new Teller(protocol)
  let state = initialState(protocol)
  for (const key of path?.slice(1) ?? []) {
    let taken: { next: State; step: Step } | undefined
    eachStep({ protocol }, state, (next, step) => {
      if (!taken && packing.pack(next) === key) taken = { next, step }
    })
    if (!taken) throw new Error('A way leads over a state that no step reaches.')
    lines.push(...teller.told(state, taken.next, taken.step))
    state = taken.next
  }
  return lines
}

class Teller {
  readonly #protocol: Protocol
  readonly #byzantine: readonly string[]
  /** the handovers that were signed, by epoch and outcome, with the seals they name */
  #handovers = new Map<string, string>()
  #begun = 1

  constructor(protocol: Protocol) {
    this.#protocol = protocol
    const honest = protocol.validators - protocol.byzantine
    this.#byzantine = Array.from({ length: protocol.byzantine }, (_, at) => `${honest + at + 1}`)
  }

  told(before: State, next: State, step: Step): readonly string[] {
    if (step.kind === 'begin') {
      this.#begun += 1
      const slot = step.outcome ? `settled for ${nameOf(step.outcome)}` : 'free'
      return [`epoch ${this.#begun}: the slot is ${slot}`]
    }
    const [old, epoch] = [before.epochs[step.epoch]!, next.epochs[step.epoch]!]
    const where = this.#protocol.liveEpochs > 1 ? `in epoch ${step.epoch + 1}, ` : ''
    const text = `  ${where}validator ${step.validator + 1} ${this.#deed(old, epoch, step)}`
    return [text, ...this.#news(old, epoch).map((line) => `    => ${line}`)]
  }

  #deed(old: Epoch, epoch: Epoch, step: Exclude<Step, { kind: 'begin' }>): string {
    switch (step.kind) {
      case 'lock':
        return `signs a lock for ${nameOf(step.transfer)}`
      case 'learn':
        return `is shown the lock certificate of ${nameOf(step.transfer)}`
      case 'apply':
        return `signs that it has applied ${nameOf(step.transfer)}`
      case 'seal': {
        const seal = sealOf(epoch.locals[step.validator]!)
        return `seals: lock ${nameOf(seal.locks)}, certificates ${nameOf(seal.certificates)}`
      }
      case 'sign':
        return this.#handover(old, step.epoch, step.outcome)
    }
  }

  #handover(epoch: Epoch, at: number, outcome: Transfers): string {
    const known = `${this.#begun} ${at} ${outcome}`
    const text = `signs the handover that settles ${nameOf(outcome)}`
    if (this.#handovers.has(known)) return text
    const naming = namings(this.#protocol, epoch).find(
      (each) => outcomeOf(this.#protocol, epoch, each) === outcome,
    )
    const seals = naming ? this.#named(naming) : ''
    this.#handovers.set(known, seals)
    return `${text}, from the seals of ${seals}`
  }

  #named({ honest, byzantine }: Naming): string {
    const lies = byzantine.map(
      ({ locks, certificates }, at) =>
        `Byzantine ${this.#byzantine[at]} (lock ${nameOf(locks)}, ` +
        `certificates ${nameOf(certificates)})`,
    )
    return [...honest.map((place) => `${place + 1}`), ...lies].join(', ')
  }

  /** What holds of an epoch now and did not before. */
  #news(old: Epoch, epoch: Epoch): readonly string[] {
    const p = this.#protocol
    const fresh = (of: (p: Protocol, epoch: Epoch) => Transfers): Transfers =>
      of(p, epoch) & ~of(p, old)
    const [certified, applied, final] = [fresh(certifiedIn), fresh(appliedIn), fresh(finalIn)]
    const news: string[] = []
    if (certified) {
      const by = this.#signers(epoch, (local) => locksOf(local) & certified)
      news.push(`${nameOf(certified)} has a lock certificate: ${by}`)
    }
    if (applied) {
      const by = this.#signers(epoch, (local) => appliedOf(local) & applied)
      news.push(`${nameOf(applied)} has an apply certificate: ${by}`)
    }
    for (const outcome of handoversOf(p, epoch)) {
      if (handoversOf(p, old).includes(outcome)) continue
      const by = this.#signers(epoch, (local) => signedOf(local) & (1 << outcome))
      news.push(`the handover that settles ${nameOf(outcome)} is valid: ${by}`)
    }
    if (final) news.push(`shown final: ${nameOf(final)}`)
    return news
  }

  #signers(epoch: Epoch, signed: (local: number) => number): string {
    const honest = epoch.locals.flatMap((local, at) => (signed(local) ? [`${at + 1}`] : []))
    const others = this.#protocol.byzantineSign ? this.#byzantine : []
    return `signed by ${[...honest, ...others.map((one) => `Byzantine ${one}`)].join(', ')}`
  }
}

function nameOf(transfers: Transfers): string {
  const names = ['A', 'B', 'C'].filter((_, at) => transfers & (1 << at))
  return names.join(' and ') || 'none'
}
