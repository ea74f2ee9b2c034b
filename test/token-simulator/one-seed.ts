import { type Run, type RunOptions, simulate } from './simulate.ts'
import { INGREDIENTS, type Ingredient } from './plan.ts'
import { suiteOf } from './suites.ts'

/** Runs a seed with the signatures it has. */
export function runSeed(seed: number, options: Omit<RunOptions, 'suite'> = {}): Promise<Run> {
  return simulate(seed, { suite: suiteOf(seed), ...options })
}

/** A smaller run that still fails: without every ingredient that it does not need, and with as few
 *  events as it takes. Tells it step by step. */
export async function shrink(
  seed: number,
  options: Omit<RunOptions, 'suite'> = {},
): Promise<Run & { readonly without: readonly Ingredient[] }> {
  let without: Ingredient[] = []
  let best = await runSeed(seed, options)
  for (const name of INGREDIENTS) {
    const fewer = [...without, name]
    const run = await runSeed(seed, { ...options, without: fewer })
    if (run.breach === undefined || run.events > 2 * best.events) continue
    ;[without, best] = [fewer, run]
  }
  for (let events = 250; events >= 1; events = Math.floor(events / 2)) {
    const run = await runSeed(seed, { ...options, without, events })
    if (run.breach === undefined || run.events >= best.events) continue
    best = run
    options = { ...options, events }
  }
  return { ...(await runSeed(seed, { ...options, without, isTold: true })), without }
}
