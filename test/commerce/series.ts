import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { checkMoney } from './money-properties.ts'
import { giveAllBack, orderCommands } from './order-commands.ts'
import { Model } from './order-model.ts'
import { obedientProvider } from './obedient-provider.ts'
import { pureShop } from './pure-shop.ts'
import type { Shop } from './shop.ts'
import { xrpcShop } from './xrpc-shop.ts'
import { type OrderStage, SHOP, orderStage } from '../order-stage.ts'
import { restoreStockOfOrders } from '../../src/appview/orders/stock-of-orders.ts'

type Options = { seed: number; seeds: number; report: (line: string) => void }

const SEQUENCES = 10_000
const STEPS = 60
const CASES = 100_000
const THROUGH_POSTGRES = 300
const STEPS_THROUGH_POSTGRES = 30

/** Drives decisions about orders by any commands in any order, and holds each step against the
 *  model. Throws with the shortest sequence after which the two differ. */
export async function runSequences({ seed, runs }: { seed: number; runs: number }): Promise<void> {
  const commands = fc.commands(orderCommands, { maxCommands: STEPS, size: '+1' })
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom('net_of_tax', 'total', 'fee'), (steps, base) =>
      followed(steps, base),
    ),
    { seed, numRuns: runs },
  )
}

/** The whole series about decisions: cases of money, then sequences of commands; `seeds` says how
 *  many of each. */
export async function fullOrders({ seed, seeds, report }: Options): Promise<void> {
  const begun = performance.now()
  const since = () => `${((performance.now() - begun) / 1000).toFixed(0)} s`
  const [cases, runs] = [seeds || CASES, seeds || SEQUENCES]
  checkMoney({ seed, runs: cases })
  report(`${cases} cases of money in ${since()}, none differs`)
  await runSequences({ seed, runs })
  report(`${runs} sequences in ${since()}, none differs`)
}

/** Drives a shop on Postgres through its methods by the same commands, and holds it against the
 *  same model. Throws with the sequence after which the two differ. */
export async function runThroughPostgres({
  seed,
  runs,
  report = () => {},
}: {
  seed: number
  runs: number
  report?: (line: string) => void
}): Promise<void> {
  const provider = obedientProvider()
  await using stage = await orderStage(provider)
  const categories = [1_900, 700, 0].map((rateBp) => {
    return { name: `VAT ${rateBp}`, category: `t${rateBp}`, rateBp }
  })
  await stage.settings({ taxRates: categories })
  const commands = fc.commands(orderCommands, { maxCommands: STEPS_THROUGH_POSTGRES, size: '+1' })
  let done = 0
  const property = fc.asyncProperty(commands, async (steps) => {
    await followedBy(steps, await xrpcShop(stage, provider))
    done += 1
    if (done % 20 === 0) report(`${done} of ${runs} sequences`)
  })
  // A sequence that differs is not made shorter: each takes seconds.
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true })
  await stockIsAsRecordsSay(stage)
}

/** What the guard of the stock holds is what the records come to. */
async function stockIsAsRecordsSay({ node }: OrderStage): Promise<void> {
  const held = async () =>
    (
      await node.pool.query(
        `select item, "onHand", reserved, allocated from repo.stock where tenant = $1
         and ("onHand" <> 0 or reserved <> 0 or allocated <> 0) order by item`,
        [SHOP],
      )
    ).rows
  await node.drain()
  const before = await held()
  await node.transact({ tenant: SHOP }, async (d) => {
    await restoreStockOfOrders(d)
    return { answer: null, writes: [], by: { actor: SHOP, role: 'test', action: 'restore' } }
  })
  deepEqual(await held(), before)
}

/** The whole series of sequences through Postgres. */
export async function fullOrdersOnPostgres({ seed, seeds, report }: Options): Promise<void> {
  const runs = seeds || THROUGH_POSTGRES
  await runThroughPostgres({ seed, runs, report })
  report(`${runs} sequences, none differs`)
}

async function followed(
  steps: Iterable<fc.AsyncCommand<Model, Shop>>,
  base: 'net_of_tax' | 'total' | 'fee',
): Promise<void> {
  await followedBy(steps, pureShop(base === 'fee' ? FEE_TERMS : { base }))
}

const FEE_TERMS = { fee: { part: 1_234, whole: 10_000 } }

async function followedBy(
  steps: Iterable<fc.AsyncCommand<Model, Shop>>,
  real: Shop,
): Promise<void> {
  const model = new Model()
  await fc.asyncModelRun(() => ({ model, real }), steps)
  await giveAllBack(model, real)
}
