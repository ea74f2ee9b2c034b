import { readFileSync, writeFileSync } from 'node:fs'
import { readMutants } from './mutate.ts'
import type { Job, JobResult } from './seeds-child.ts'
import { runJobs } from './workers.ts'

/** Which mutants were noticed, and the first seed that did. */
export type Baseline = Readonly<Record<string, number | null>>

type Options = { seed: number; from: number; seeds: number; report: (line: string) => void }

const BASELINE = new URL('baseline.json', import.meta.url)
const SEEDS = 10_000
/** After so many seeds a mutant counts as one that nobody notices. */
const MUTANT_SEEDS = 100
const REPORT_MS = 10_000

/** Runs seeds from `seed` on, the first `from` of them done before. Throws when any has failed. */
export async function fullSimulator({ seed, from, seeds, report }: Options): Promise<void> {
  const count = seeds || SEEDS
  const begun = performance.now()
  const failed: JobResult[] = []
  let done = from
  let said = begun
  await runJobs(jobsOf(seed + from, count - from), (result) => {
    done += 1
    if (result.difference !== undefined) {
      failed.push(result)
      report(`seed ${result.seed}: ${result.difference}`)
      report(`  again: ./angelos test --full simulator --seed ${result.seed} --seeds 1`)
    }
    if (performance.now() - said < REPORT_MS) return
    said = performance.now()
    report(`${done} of ${count} seeds, ${failed.length} failed`)
  })
  const seconds = (performance.now() - begun) / 1000
  const rate = ((count - from) / seconds).toFixed(1)
  report(`${count - from} seeds in ${seconds.toFixed(0)} s (${rate}/s), ${failed.length} failed`)
  if (count === 1) await retell(seed, report)
  if (failed.length > 0) throw new Error(`seeds failed: ${failed.map((f) => f.seed).join(', ')}`)
}

/** Tries every mutant with seed after seed until one notices it, in the end with the one that did
 *  before, and writes the baseline. */
export async function fullMutants({ seed, from, seeds, report }: Options): Promise<void> {
  const mutants = readMutants()
  const most = seeds || MUTANT_SEEDS
  // A seed that the source itself does not pass says nothing of its mutants.
  const failing = await differences([...jobsOf(seed, most)])
  const useless = new Set(failing.map((result) => result.seed))
  if (useless.size > 0) report(`not tried, as the source fails: ${[...useless].join(', ')}`)
  const found = new Map(Object.entries(readBaseline()))
  for (const { id } of mutants.slice(from)) {
    const before = found.get(id)
    const last = before == null ? [] : [{ seed: before, mutant: id }]
    const jobs = [...jobsOf(seed, most, id), ...last].filter((job) => !useless.has(job.seed))
    const first = await firstNoticed(jobs)
    found.set(id, first?.seed ?? null)
    report(`${id}: ${first ? `seed ${first.seed}: ${first.difference}` : 'not noticed'}`)
  }
  const lines = mutants.map(({ id }) => `  "${id}": ${found.get(id) ?? null}`)
  writeFileSync(BASELINE, `{\n${lines.join(',\n')}\n}\n`)
}

/** The committed result of the last whole run. */
export function readBaseline(): Baseline {
  return JSON.parse(readFileSync(BASELINE, 'utf8')) as Baseline
}

/** Runs jobs as they are and gives back those that ended with a difference. */
export async function differences(jobs: readonly Job[]): Promise<JobResult[]> {
  const found: JobResult[] = []
  await runJobs(jobs.values(), (result) => {
    if (result.difference !== undefined) found.push(result)
  })
  return found
}

/** Which mutants are not noticed any more: neither by the seed that noticed them before, nor, as
 *  every change of the source changes what a seed holds, by one of the first `seeds`. */
export async function unnoticed(seeds: number): Promise<string[]> {
  const known = Object.entries(readBaseline()).flatMap(([mutant, seed]) =>
    seed === null ? [] : [{ mutant, seed }],
  )
  const noticed = new Set((await differences(known)).map(({ mutant }) => mutant))
  const missed: string[] = []
  for (const { mutant } of known) {
    if (noticed.has(mutant) || (await firstNoticed([...jobsOf(1, seeds, mutant)]))) continue
    missed.push(mutant)
  }
  return missed
}

/** Of the seeds that notice a mutant, the first that was found. */
async function firstNoticed(jobs: readonly Job[]): Promise<JobResult | undefined> {
  let first: JobResult | undefined
  await runJobs(jobs.values(), (result) => {
    const { mutant, difference } = result
    if (difference?.startsWith('broken:')) throw new Error(`${mutant} ${difference}`)
    if (result.difference !== undefined && (!first || result.seed < first.seed)) first = result
    return first === undefined
  })
  return first
}

function* jobsOf(seed: number, count: number, mutant?: string): Generator<Job> {
  for (let n = 0; n < count; n += 1) yield { seed: seed + n, ...(mutant && { mutant }) }
}

/** Everything that has happened in one seed. */
async function retell(seed: number, report: (line: string) => void): Promise<void> {
  const { simulate } = await import('./simulate.ts')
  for (const line of (await simulate(seed)).log) report(line)
}
