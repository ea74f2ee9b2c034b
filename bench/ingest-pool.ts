import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemTimers } from '../src/clock.ts'
import { pooledVerifier } from '../src/firehose/verify-pool.ts'
import { type Verifier, type VerifyJob, inlineVerifier } from '../src/firehose/verifier.ts'
import { silentLog } from '../src/log.ts'
import type { Captured } from './ingest-capture.ts'
import { median, orderOf, pairedRatio } from './paired.ts'
import type { Figure } from './result.ts'

const ROUNDS = 6
const REPEATS = 4
/** Commits given and not yet answered, and those given in one turn of the event loop. */
const WINDOW = 1000
const TURN = 50

/** A backlog verified by one thread, and by it and a worker, in turns: commits per second, and what
 *  each costs the thread that has everything else to do as well. */
export async function poolFigures(
  captured: readonly Captured[],
  report: (line: string) => void,
): Promise<Figure[]> {
  const options = { collections: '', workers: 1, timers: systemTimers, log: silentLog }
  const verifiers = { pool: pooledVerifier(options), inline: inlineVerifier(options) }
  const slots = { pool: [] as Slot[], inline: [] as Slot[] }
  await drain(verifiers.pool, captured)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of orderOf(['pool', 'inline'] as const, round)) {
      slots[name].push(await drain(verifiers[name], captured))
    }
  }
  await verifiers.pool.close()
  return [
    figure('1 worker beside this thread', 'perSecond', 'commits/s'),
    figure('CPU of this thread with 1 worker', 'ownUs', 'µs/commit'),
  ]

  function figure(name: string, what: keyof Slot, unit: string): Figure {
    const [ours, reference] = [slots.pool, slots.inline].map((side) => side.map((s) => s[what]))
    const ratio = pairedRatio(ours ?? [], reference ?? []).median
    const values = [median(ours ?? []), median(reference ?? [])].map((n) => Number(n.toFixed(1)))
    report(`${name}: ${values[0]} ${unit}, alone ${values[1]}, ratio ${ratio.toFixed(2)}`)
    const [first = NaN, second = NaN] = values
    const told = { goal: null, ours: first, reference: second, ratio: Number(ratio.toFixed(2)) }
    return { bench: `verify: ${name}`, ...told, unit }
  }
}

type Slot = { perSecond: number; ownUs: number }

async function drain(verifier: Verifier, captured: readonly Captured[]): Promise<Slot> {
  const started = performance.now()
  const cpu = process.threadCpuUsage()
  const now = systemTimers.now()
  let given = 0
  let open = 0
  let answered = (): void => undefined
  const give = async (job: VerifyJob): Promise<void> => {
    const verdict = await verifier.verify(job)
    if (!verdict.ok) throw new Error(verdict.reason)
    open -= 1
    answered()
  }
  const fallTo = async (count: number): Promise<void> => {
    while (open > count) await new Promise<void>((resolve) => (answered = resolve))
  }
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const { message, identity } of captured) {
      open += 1
      given += 1
      void give({ message, identity, now })
      if (given % TURN === 0) await nextTurn()
      await fallTo(WINDOW)
    }
  }
  await fallTo(0)
  const { user, system } = process.threadCpuUsage(cpu)
  return {
    perSecond: (given * 1000) / (performance.now() - started),
    ownUs: (user + system) / given,
  }
}
