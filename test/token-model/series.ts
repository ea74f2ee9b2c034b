import { type Case, cases } from './cases.ts'
import { countEnds } from './counts.ts'
import { searchDead } from './liveness.ts'
import { BREACHES, breaches } from './properties.ts'
import { ledgerOf } from './protocols.ts'
import {
  carryMostReported,
  carryReported,
  carryReportedByMore,
  unionFinalByApply,
  unionFinalByLock,
} from './rules.ts'
import { search } from './search.ts'
import { retell } from './trace.ts'

type Report = (line: string) => void

/** Makes one search. Says what it found, the shortest way to what must fail included; throws when
 *  it is not what it has to be, or when part of the space was left out. */
export function runCase({ protocol, expect }: Case, report: Report = () => {}): string {
  if (expect === 'alive' || expect === 'dead') {
    const { states, dead, complete } = searchDead(protocol)
    const text = `${states} states, ${dead} without a way out`
    if (!complete || (expect === 'alive') !== (dead === 0)) throw new Error(text)
    return text
  }
  if (expect === 'safe') {
    const { states, steps, depth, complete, broken } = search(protocol, { report })
    const text = `${states} states, ${steps} steps, depth ${depth}`
    const wrong = BREACHES.filter((breach) => broken[breach] > 0)
    if (!complete || wrong.length > 0) throw new Error(`${text}: ${wrong.join(', ')}`)
    return `${text}, all visited, none broken`
  }
  const found = search(protocol, { until: breaches[expect], report })
  if (!found.path) throw new Error(`${found.states} states, none of them ${expect}`)
  for (const line of retell(protocol, found)) report(`    ${line}`)
  return `${expect} after ${found.path.length - 1} steps, the shortest way, ${found.states} states`
}

/** Every rule, the ledger's own last. */
export const rules = [
  carryReportedByMore,
  carryReported,
  carryMostReported,
  unionFinalByLock,
  unionFinalByApply,
] as const

/** The whole series: ends of an epoch of four validators counted one by one, then every search;
 *  `from` is how many searches were made before, `seeds` how many there are to be. */
export async function fullTokenModel(options: {
  from: number
  seeds: number
  report: Report
}): Promise<void> {
  const { from, seeds, report } = options
  for (const rule of rules) {
    const { cases: all, lost, ambiguous } = countEnds(ledgerOf(4, { rule }))
    report(
      `4 validators, ends of an epoch: ${all}, ${lost} lost, ${ambiguous} ambiguous: ${rule.name}`,
    )
  }
  const failed: string[] = []
  const end = seeds > 0 ? from + seeds : cases.length
  for (const [at, one] of [...cases.entries()].slice(from, end)) {
    const begun = performance.now()
    report(`search ${at} of ${cases.length}, ${one.name}`)
    const text = attempt(
      () => runCase(one, report),
      () => failed.push(one.name),
    )
    report(`  ${text}, ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  }
  if (failed.length > 0) throw new Error(`not as it has to be: ${failed.join('; ')}`)
}

function attempt(run: () => string, failed: () => void): string {
  try {
    return run()
  } catch (error) {
    failed()
    return `FAILED: ${(error as Error).message}`
  }
}
