import { median } from './paired.ts'
import type { BenchResult, Figure } from './result.ts'
import { measureCore } from './token-core.ts'

const TRANSFERS = 2_000
const ROUNDS = 5
/** FastPay per shard, one thread, orders and confirmations taken together (their logs, n = 4). */
const FASTPAY = 2_950

/** Certified transfers that one validator does with a second of CPU, signed one by one and in
 *  batches, for committees of 4, 7 and 10. */
export async function benchTokens(
  report: (line: string) => void,
  size = TRANSFERS,
): Promise<BenchResult> {
  const variants = [4, 7, 10].flatMap((n) => [false, true].map((batched) => ({ n, batched })))
  await measureCore(4, false, 500)
  const rates = variants.map((): { order: number; certificate: number }[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { n, batched }] of variants.entries()) {
      const cost = await measureCore(n, batched, size)
      rates[index]!.push(cost)
      const { order, certificate } = cost
      const rate = Math.round(1e6 / (order + certificate))
      const way = batched ? 'batched' : 'single'
      report(
        `round ${round + 1}, n=${n}, ${way}: ${rate}/CPU-s ` +
          `(order ${order.toFixed(0)} µs, certificate ${certificate.toFixed(0)} µs)`,
      )
    }
  }
  const figures = variants.map(({ n, batched }, index): Figure => {
    const ours = median(rates[index]!.map((cost) => 1e6 / (cost.order + cost.certificate)))
    const goal = n === 4 ? (batched ? 1.5 : 0.7) : null
    return {
      bench: `tokens core n=${n}${batched ? ' batched' : ''}`,
      goal,
      ours: Math.round(ours),
      reference: FASTPAY,
      ratio: Number((ours / FASTPAY).toFixed(2)),
      unit: 'certified transfers per CPU-second and validator',
    }
  })
  const [first, ...more] = figures
  return { ...first!, more }
}
