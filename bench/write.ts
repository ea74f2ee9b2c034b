import { type Ratio, median, orderOf, pairedRatio, percentile } from './paired.ts'
import type { BenchResult, Figure } from './result.ts'
import { type Slot, WriteLoad } from './write-load.ts'
import { type Counters, type StartServer, type WriteServer } from './write-server.ts'
import { serverProcess } from './write-server.ts'

const CLIENTS = [1, 16] as const
const ACCOUNTS = 40
const WARM_UP = 1000
const GOAL = 1.5

type Name = 'reference' | 'ours' | 'control'
type Side = { name: Name; server: WriteServer; load: WriteLoad; slots: Map<number, Slot[]> }

/** A figure, and how far its ratio went in single rounds. */
type Measure = Figure & { readonly range?: Ratio }

/**
 * createRecord per second through our whole node against the package alone: ours between two of
 * the package, alive side by side and measured in turns; how those two differ is the noise.
 * `seconds` is the length of one turn, `start` another server to measure instead.
 */
export async function benchWrite(options: {
  rounds?: number
  seconds?: number
  report: (line: string) => void
  start?: StartServer
}): Promise<BenchResult> {
  const ours = options.start ?? serverProcess('node')
  const sides: Side[] = []
  try {
    sides.push(await startSide('reference', serverProcess('bare')))
    sides.push(await startSide('ours', ours))
    sides.push(await startSide('control', serverProcess('bare')))
    options.report(`warming up: ${WARM_UP} records on each of ${sides.length} servers`)
    for (const side of sides) {
      await side.load.createAccounts(ACCOUNTS)
      await side.load.run({ clients: 16, ms: 0, atLeast: WARM_UP })
      await side.server.counters()
    }
    const rounds = options.rounds ?? 10
    for (let round = 0; round < rounds; round++) {
      await runRound(sides, round, (options.seconds ?? 2) * 1000)
      options.report(`round ${round + 1} of ${rounds}: ${lastOf(sides)}`)
    }
    return await resultOf(sides, options.report)
  } finally {
    for (const side of sides) side.load.close()
    await Promise.allSettled(sides.map((side) => side.server.close()))
  }
}

async function startSide(name: Name, starter: StartServer): Promise<Side> {
  const server = await starter.start()
  const slots = new Map<number, Slot[]>(CLIENTS.map((clients) => [clients, []]))
  return { name, server, load: new WriteLoad(server.origin, 16), slots }
}

async function runRound(sides: Side[], round: number, ms: number): Promise<void> {
  for (const clients of CLIENTS) {
    for (const side of orderOf(sides, round)) {
      side.slots.get(clients)?.push(await side.load.run({ clients, ms }))
    }
  }
}

async function resultOf(sides: Side[], report: (line: string) => void): Promise<BenchResult> {
  const [reference, ours, control] = sides
  if (!reference || !ours || !control) throw new Error('a side is missing')
  const both = [reference, control]
  const more: Measure[] = CLIENTS.flatMap((clients) => [
    rateOf(`${clients} clients`, [ours, both], clients),
    rateOf(`${clients} clients, the reference against itself`, [control, [reference]], clients),
    latencyOf([ours, both], clients, 0.5),
    latencyOf([ours, both], clients, 0.99),
  ])
  more.push(...(await countersOf(ours, reference)))
  for (const figure of more) report(lineOf(figure))
  const { range: _, ...main } = rateOf('write', [ours, both], 16)
  return { ...main, goal: GOAL, more }
}

/**
 * Each round of `side` against the mean of the references in that round: two of them, measured
 * before and after it, cancel what the machine did meanwhile.
 */
function rateOf(bench: string, [side, references]: [Side, Side[]], clients: number): Measure {
  const rates = (of: Side): number[] => (of.slots.get(clients) ?? []).map((slot) => slot.perSecond)
  const all = references.map(rates)
  const theirs = rates(side).map(
    (_, index) => all.reduce((sum, one) => sum + (one[index] ?? NaN), 0) / all.length,
  )
  const range = pairedRatio(rates(side), theirs)
  return {
    bench,
    goal: null,
    ours: round(median(rates(side))),
    reference: round(median(theirs)),
    ratio: round(range.median),
    unit: 'records/s',
    range: { median: round(range.median), min: round(range.min), max: round(range.max) },
  }
}

function latencyOf([ours, references]: [Side, Side[]], clients: number, p: number): Measure {
  const of = (sides: Side[]): number =>
    percentile(
      sides.flatMap((side) => side.slots.get(clients) ?? []).flatMap((slot) => slot.latencies),
      p,
    )
  return figureOf(`${clients} clients, p${p * 100}`, [of([ours]), of(references)], 'ms')
}

async function countersOf(ours: Side, reference: Side): Promise<Measure[]> {
  const mine = await ours.server.counters()
  const theirs = await reference.server.counters()
  if (mine === undefined || theirs === undefined) return []
  const requests = (side: Side): number =>
    [...side.slots.values()].flat().reduce((sum, slot) => sum + slot.latencies.length, 0)
  const per = (bench: string, key: keyof Counters): Measure =>
    figureOf(
      bench,
      [mine[key] / requests(ours), theirs[key] / requests(reference)],
      'for each record',
    )
  return [
    per('SQL statements prepared', 'prepares'),
    per('databases closed (up to 4 fsyncs each, on the event loop)', 'closes'),
    per('signatures in JavaScript', 'jsSignatures'),
    per('syncs off the event loop (our PDS alone counts them)', 'syncs'),
  ]
}

function figureOf(bench: string, [ours, reference]: [number, number], unit: string): Measure {
  const ratio = reference === 0 ? null : round(ours / reference)
  return { bench, goal: null, ours: round(ours), reference: round(reference), ratio, unit }
}

function lastOf(sides: Side[]): string {
  const rate = (side: Side): string => `${round(side.slots.get(16)?.at(-1)?.perSecond ?? NaN)}/s`
  return sides.map((side) => `${side.name} ${rate(side)}`).join(', ')
}

function lineOf({ bench, ours, reference, ratio, unit, range }: Measure): string {
  const rounds = range ? ` (${range.min} to ${range.max} in single rounds)` : ''
  const factor = ratio === null ? '' : `, x${ratio}`
  return `${bench}: ${ours} against ${reference} ${unit}${factor}${rounds}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
