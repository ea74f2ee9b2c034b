import { ledgerOf } from './protocols.ts'
import type { Breach } from './properties.ts'
import { carryMostReported, carryReported, carryReportedByMore, unionFinalByLock } from './rules.ts'
import type { Protocol, Rule, Weakness } from './state.ts'

/** What a search of a whole space has to say: that nothing is ever broken, that something is and by
 *  which shortest way, that a way out is left in every state, or that it is not. */
export type Expectation = 'safe' | Breach | 'alive' | 'dead'

/** One search, with a name that says what it has to show. */
export type Case = {
  name: string
  protocol: Protocol
  expect: Expectation
  /** whether it takes too long for a plain run of the tests */
  long: boolean
}

const of = (name: string, expect: Expectation, protocol: Protocol, long = false): Case => {
  return { name, expect, protocol, long }
}

/** The ledger's rule, over any number of epochs one after the other, and side by side. */
const SAFE: readonly Case[] = [
  ...[4, 5, 6, 7, 8, 10].flatMap((n) =>
    [1, 2, 3].map((transfers) =>
      of(
        `${n} validators, ${rivals(transfers)}, any number of epochs: final stays final`,
        'safe',
        ledgerOf(n, { transfers }),
        n === 10,
      ),
    ),
  ),
  ...(
    [
      [4, 2, 2],
      [4, 3, 2],
      [4, 1, 3],
      [7, 1, 2],
    ] as const
  ).map(([n, transfers, liveEpochs]) =>
    of(
      `${n} validators, ${rivals(transfers)}, ${liveEpochs} epochs side by side: final stays final`,
      'safe',
      ledgerOf(n, { transfers, liveEpochs }),
      liveEpochs === 3 || n === 7 || transfers === 3,
    ),
  ),
]

function rivals(transfers: number): string {
  return transfers === 1 ? 'one transfer' : `${transfers} rivals`
}

const REJECTED: readonly (readonly [Rule, readonly Breach[]])[] = [
  [carryReportedByMore, ['lost', 'contradicted']],
  [carryReported, ['ambiguous']],
  [carryMostReported, ['lost', 'contradicted']],
  [unionFinalByLock, ['lost', 'contradicted']],
]

type OfOneEpoch = Exclude<Weakness, 'believes certificates of the epoch before'>

/** What each weakness has to lead to. */
const WEAKNESSES: Readonly<Record<OfOneEpoch, Breach>> = {
  'forgets its lock in a crash': 'two settled',
  'locks a slot that is taken': 'contradicted',
  'applies without a certificate': 'lost',
  'signs after its seal': 'lost',
  'seals without its certificates': 'lost',
  'signs two handovers': 'lost',
  'one seal too few': 'lost',
  'one handover signature too few': 'lost',
}

/** Everything that must fail, so that it is seen that the searches can see. */
const BROKEN: readonly Case[] = [4, 7].flatMap((n) => {
  const { faults } = ledgerOf(n)
  const rejected = REJECTED.flatMap(([rule, found]) =>
    found.map((breach) =>
      of(`${n} validators, ${rule.name}: ${breach}`, breach, ledgerOf(n, { rule })),
    ),
  )
  const weak = Object.entries(WEAKNESSES).map(([weakness, breach]) => {
    const protocol = ledgerOf(n, { weakness: weakness as Weakness })
    return of(`${n} validators, weakened (${weakness}): ${breach}`, breach, protocol)
  })
  const beyond = (['two certificates', 'two settled'] as const).flatMap((breach) => [
    of(`${n} validators, a quorum of 2f: ${breach}`, breach, ledgerOf(n, { quorum: 2 * faults })),
    of(
      `${n} validators, f + 1 of them Byzantine: ${breach}`,
      breach,
      ledgerOf(n, { byzantine: faults + 1 }),
    ),
  ])
  return [...rejected, ...weak, ...beyond]
})

/** This one takes two epochs in one state; with seven validators they are too many. */
const BELIEVING = of(
  '4 validators, weakened (believes certificates of the epoch before): two settled',
  'two settled',
  ledgerOf(4, { liveEpochs: 2, weakness: 'believes certificates of the epoch before' }),
)

/** That honest validators can always go on. */
const LIVE: readonly Case[] = [4, 7].flatMap((n) => [
  of(
    `${n} validators, a correct sender: its transfer can become final from every state`,
    'alive',
    ledgerOf(n, { transfers: 1, proposals: 'one' }),
  ),
  of(
    `${n} validators, an equivocating sender: the slot is free again or final, from every state`,
    'alive',
    ledgerOf(n, { proposals: 'one' }),
  ),
  of(
    `${n} validators, several handovers proposed for an epoch: it may never end`,
    'dead',
    ledgerOf(n, { transfers: 1 }),
  ),
  of(
    `${n} validators, f + 1 of them silent: nothing becomes final`,
    'dead',
    ledgerOf(n, { transfers: 1, proposals: 'one', byzantine: ledgerOf(n).faults + 1 }),
  ),
])

/** All searches of the series, in order. */
export const cases: readonly Case[] = [...SAFE, ...BROKEN, ...LIVE, BELIEVING]
