import { unionFinalByApply } from './rules.ts'
import type { Protocol } from './state.ts'

/** Most faulty validators that `n` bear. */
export const faultsOf = (n: number): number => Math.ceil(n / 3) - 1

/** The generic quorum: the least of which any two share f + 1 validators. */
export const quorumOf = (n: number): number => Math.ceil((n + Math.ceil(n / 3)) / 2)

/** The ledger's protocol for `n` validators, f of them Byzantine, two rivals for the slot, and
 *  every kind of trouble; with `changes` where another one is asked for. */
export function ledgerOf(n: number, changes: Partial<Protocol> = {}): Protocol {
  return {
    validators: n,
    faults: faultsOf(n),
    byzantine: faultsOf(n),
    quorum: quorumOf(n),
    transfers: 2,
    rule: unionFinalByApply,
    byzantineSign: true,
    proposals: 'several',
    liveEpochs: 1,
    weakness: null,
    ...changes,
  }
}
