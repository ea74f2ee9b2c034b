import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { median } from './paired.ts'
import type { Figure } from './result.ts'
import { type CoreCost, measureCore } from './token-core.ts'

const TRANSFERS = 2_000
const ROUNDS = 5
/** FastPay per shard, one thread, orders and confirmations taken together (their logs, n = 4). */
const FASTPAY = 2_950
const UNIT = 'certified transfers per CPU-second and validator'

/**
 * Certified transfers that one validator does with a second of CPU, signed one by one and in
 * batches, for committees of 4, 7 and 10, in turns; and the same with certificates read from their
 * bytes. How many P-256 signatures the machine checks in the same rounds stands beside them.
 */
export async function coreFigures(
  report: (line: string) => void,
  size = TRANSFERS,
): Promise<Figure[]> {
  const variants = [4, 7, 10].flatMap((n) =>
    [false, true].map((batched) => ({ n, batched, costs: [] as CoreCost[] })),
  )
  const checks: number[] = []
  await measureCore(4, false, 500)
  for (let round = 1; round <= ROUNDS; round += 1) {
    checks.push(checksPerSecond())
    report(`round ${round}: ${Math.round(checks.at(-1)!)} P-256 signatures checked per CPU-s`)
    for (const { n, batched, costs } of variants) {
      const cost = await measureCore(n, batched, size)
      costs.push(cost)
      const [order, certificate, reading] = [cost.order, cost.certificate, cost.reading].map(
        Math.round,
      )
      const rate = Math.round(rateOf(cost))
      report(
        `round ${round}, n=${n}, ${batched ? 'batched' : 'single'}: ${rate}/CPU-s ` +
          `(order ${order} µs, certificate ${certificate} µs; to read it ${reading} µs)`,
      )
    }
  }
  const goalOf = (n: number, batched: boolean) => (n === 4 ? (batched ? 1.5 : 0.7) : null)
  const core = variants.map(({ n, batched, costs }) =>
    figure(nameOf(n, batched), goalOf(n, batched), median(costs.map(rateOf))),
  )
  const read = variants.map(({ n, batched, costs }) =>
    figure(`${nameOf(n, batched)}, certificate read`, null, median(costs.map(rateFromBytes))),
  )
  const alone = { goal: null, reference: null, ratio: null }
  const unit = 'per CPU-second'
  const machine = {
    bench: 'P-256 signatures checked',
    ...alone,
    ours: Math.round(median(checks)),
    unit,
  }
  return [...core, ...read, machine]
}

function rateOf({ order, certificate }: CoreCost): number {
  return 1e6 / (order + certificate)
}

function rateFromBytes({ order, certificate, reading }: CoreCost): number {
  return 1e6 / (order + certificate + reading)
}

function nameOf(n: number, batched: boolean): string {
  return `tokens core n=${n}${batched ? ' batched' : ''}`
}

function figure(bench: string, goal: number | null, rate: number): Figure {
  const ratio = Number((rate / FASTPAY).toFixed(2))
  return { bench, goal, ours: Math.round(rate), reference: FASTPAY, ratio, unit: UNIT }
}

function checksPerSecond(): number {
  const signer = p256Signer()
  const bytes = new Uint8Array(36)
  const check = { didKey: signer.didKey, bytes, signature: signer.sign(bytes) }
  const begun = process.cpuUsage()
  for (let n = 0; n < TRANSFERS; n += 1) {
    if (!nativeCrypto.verify(check)) throw new Error('a signature does not hold')
  }
  const { user, system } = process.cpuUsage(begun)
  return (TRANSFERS * 1e6) / (user + system)
}
