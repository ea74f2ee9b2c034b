import { ADDRESS, COMMERCE, SHOP, orderStage } from '../test/order-stage.ts'
import { bareBusiness } from './bare-business.ts'
import { compareLoad } from './business-load.ts'
import type { BenchResult, Figure } from './result.ts'

const ORDERS = 1_200

/** Checkouts through the methods of a shop (access, prices, stock, number, terms, audit, views)
 *  against bare Postgres transactions that write rows of the same shape, in turns. */
export async function benchOrders(
  report: (line: string) => void,
  size = ORDERS,
): Promise<BenchResult> {
  await using stage = await orderStage()
  await stage.settings({ taxRates: [{ name: 'VAT', region: 'DE', rateBp: 1_900 }] })
  const product = await stage.sell('Speaker', {}, 1_000_000)
  const bare = await bareBusiness(stage.node.pool)
  const lines = [{ product, quantity: 1 }]
  let n = 0
  const ours = (client: number) =>
    stage.as(`did:plc:buyer${client}`).call(`${COMMERCE}.checkout`, {
      tenant: SHOP,
      lines,
      shippingAddress: ADDRESS,
      idempotencyKey: `order-${(n += 1)}`,
    })
  const figures: Figure[] = []
  for (const clients of [16, 1, 64]) {
    const count = clients === 1 ? Math.ceil(size / 4) : size
    const what = { name: 'checkout', clients, count, ours, bare: () => bare.order() }
    figures.push(...(await compareLoad(report, what)))
  }
  const [first, ...more] = figures
  return { ...first!, more }
}
