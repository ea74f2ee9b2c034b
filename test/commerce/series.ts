import fc from 'fast-check'
import { checkMoney } from './money-properties.ts'
import { giveAllBack, orderCommands } from './order-commands.ts'
import { Model } from './order-model.ts'
import { pureShop } from './pure-shop.ts'

type Options = { seed: number; seeds: number; report: (line: string) => void }

const SEQUENCES = 10_000
const STEPS = 60
const CASES = 100_000

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

async function followed(
  steps: Iterable<fc.AsyncCommand<Model, ReturnType<typeof pureShop>>>,
  base: 'net_of_tax' | 'total' | 'fee',
): Promise<void> {
  const terms = base === 'fee' ? { fee: { part: 1_234, whole: 10_000 } } : { base }
  const setup = { model: new Model(), real: pureShop(terms) }
  await fc.asyncModelRun(() => setup, steps)
  await giveAllBack(setup.model, setup.real)
}
