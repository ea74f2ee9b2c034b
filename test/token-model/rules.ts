import { type Rule, type Seal, type Transfers, countOf } from './state.ts'

const EACH: readonly Transfers[] = [1, 2, 4]

function reportsOf(seals: readonly Seal[], transfer: Transfers): number {
  return seals.filter((seal) => seal.locks & transfer).length
}

function lockedBy(least: number): (seals: readonly Seal[]) => Transfers {
  return (seals) => EACH.reduce((all, one) => (reportsOf(seals, one) >= least ? all | one : all), 0)
}

function certifiedIn(seals: readonly Seal[]): Transfers {
  return seals.reduce((all, seal) => all | seal.certificates, 0)
}

/** R1, rejected: a lock that f + 1 seals report is carried over. */
export const carryReportedByMore: Rule = {
  name: 'carry locks with at least f + 1 reports',
  carry: (seals, faults) => lockedBy(faults + 1)(seals),
  final: 'lock',
}

/** R2, rejected: a lock that any seal reports is carried over. */
export const carryReported: Rule = {
  name: 'carry locks with at least 1 report',
  carry: lockedBy(1),
  final: 'lock',
}

/** R2 with its ambiguity decided, rejected: the lock with most reports, none when two are even. */
export const carryMostReported: Rule = {
  name: 'carry the lock with most reports',
  carry: (seals) => {
    const most = Math.max(1, ...EACH.map((one) => reportsOf(seals, one)))
    const carried = lockedBy(most)(seals)
    return countOf(carried) === 1 ? carried : 0
  },
  final: 'lock',
}

/** R3, rejected: certificates in seals are carried over, and a lock certificate shows finality. */
export const unionFinalByLock: Rule = {
  name: 'union of certificates, final = lock certificate',
  carry: certifiedIn,
  final: 'lock',
}

/** R4, the rule of the ledger: certificates in seals are carried over, an apply quorum is final. */
export const unionFinalByApply: Rule = {
  name: 'union of certificates, final = apply quorum',
  carry: certifiedIn,
  final: 'apply',
}
