import type { Control } from './plan.ts'
import { loadMutants } from '../simulator/mutate.ts'
import { readMutants } from './mutants.ts'
import type * as oneSeed from './one-seed.ts'

/** Runs one seed after the other for its parent, also as a mutant of the source, or with a fault
 *  that the oracle must see. */
export type Job = { seed: number; mutant?: string; control?: Control }

/** How a job has ended; a mutant may also break what nobody expects to break. */
export type JobResult = Job & {
  difference?: string
  events?: number
  settled?: number
  /** How often each scenario was met. */
  met?: [number, number][]
}

loadMutants(readMutants())

process.on('message', (job: Job) => {
  void run(job).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit())

async function run(job: Job): Promise<JobResult> {
  const query = job.mutant === undefined ? '' : `?mutant=${job.mutant}`
  try {
    const { runSeed } = (await import(`./one-seed.ts${query}`)) as typeof oneSeed
    const { breach, events, settled, met } = await runSeed(job.seed, { control: job.control })
    return { ...job, ...(breach && { difference: breach }), events, settled, met: [...met] }
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { ...job, difference: `broken: ${text}` }
  }
}
