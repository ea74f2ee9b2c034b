import { median, orderOf, pairedRatio, percentile } from './paired.ts'
import type { Figure } from './result.ts'

const ROUNDS = 6

/** One thing done by the client with this number. */
export type DoOne = (client: number) => Promise<unknown>

/** How fast a thing is done by so many clients, each of whom waits for its last one, against the
 *  reference in turns: things/s with their ratio, and how long one takes at most in 95 of 100. */
export async function compareLoad(
  report: (line: string) => void,
  what: { name: string; clients: number; count: number; ours: DoOne; bare: DoOne },
): Promise<Figure[]> {
  const { name, clients, count } = what
  const sides = { ours: [] as Load[], bare: [] as Load[] }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const side of orderOf(['ours', 'bare'] as const, round))
      sides[side].push(await loadOf(what[side], clients, Math.ceil(count / ROUNDS)))
  const rates = (side: readonly Load[]) => side.map(({ rate }) => rate)
  const late = (side: readonly Load[]) =>
    percentile(
      side.flatMap(({ times }) => times),
      0.95,
    )
  const ratio = pairedRatio(rates(sides.ours), rates(sides.bare))
  const [mine, other] = [median(rates(sides.ours)), median(rates(sides.bare))]
  const [ourLate, bareLate] = [late(sides.ours), late(sides.bare)]
  report(
    `${name}, ${clients} clients: ${mine.toFixed(0)}/s, p95 ${ourLate.toFixed(1)} ms; bare ` +
      `transactions ${other.toFixed(0)}/s, p95 ${bareLate.toFixed(1)} ms; ratio ` +
      `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`,
  )
  const figure = { goal: null, bench: `${name}, ${clients} clients` }
  return [
    {
      ...figure,
      ours: round1(mine),
      reference: round1(other),
      ratio: round1(ratio.median, 1_000),
      unit: '/s',
    },
    {
      ...figure,
      bench: `${figure.bench}, p95`,
      ours: round1(ourLate),
      reference: round1(bareLate),
      ratio: round1(ourLate / bareLate, 1_000),
      unit: 'ms',
    },
  ]
}

type Load = { readonly rate: number; readonly times: readonly number[] }

/** How long each of so many took, one client after the other's own. */
export async function loadOf(doOne: DoOne, clients: number, count: number): Promise<Load> {
  let left = Math.max(clients, count)
  const total = left
  const times: number[] = []
  const begun = performance.now()
  const one = async (client: number) => {
    while (left-- > 0) {
      const at = performance.now()
      await doOne(client)
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => one(client)))
  return { rate: total / ((performance.now() - begun) / 1_000), times }
}

function round1(value: number, by = 10): number {
  return Math.round(value * by) / by
}
