import { loadMutants, readMutants } from './mutate.ts'
import type * as simulation from './simulate.ts'

/** Runs one seed after the other for its parent, also as a mutant of the source. */
export type Job = { seed: number; mutant?: string }

/** How a job has ended; a mutant may also break what nobody expects to break. */
export type JobResult = Job & { difference?: string }

loadMutants(readMutants())

process.on('message', ({ seed, mutant }: Job) => {
  void run(seed, mutant).then((difference) => {
    process.send?.({ seed, ...(mutant && { mutant }), ...(difference && { difference }) })
  })
})
process.on('disconnect', () => process.exit())

async function run(seed: number, mutant: string | undefined): Promise<string | undefined> {
  const query = mutant === undefined ? '' : `?mutant=${mutant}`
  try {
    const { simulate } = (await import(`./simulate.ts${query}`)) as typeof simulation
    return (await simulate(seed)).difference
  } catch (error) {
    return `broken: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}
