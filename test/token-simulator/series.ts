import { readFileSync, writeFileSync } from 'node:fs'
import type { Control } from './plan.ts'
import { SCENARIOS } from './scenarios.ts'
import { runJobs } from '../simulator/workers.ts'
import { readMutants } from './mutants.ts'
import { shrink } from './one-seed.ts'
import type { Job, JobResult } from './seeds-child.ts'

type Options = { seed: number; from: number; seeds: number; report: (line: string) => void }

/** Which mutants and controls were noticed, and the first seed that did. */
export type Baseline = Readonly<Record<string, number | null>>

/** Faults beyond what a ledger bears, and disks that forget: the oracle has to see each. */
export const CONTROLS = ['too-many-liars', 'forgetful-disk', 'torn-disk'] as const

const BASELINE = new URL('baseline.json', import.meta.url)
const CHILD = new URL('seeds-child.ts', import.meta.url)
const SEEDS = 20_000
const REPORT_SEEDS = 1_000
/** After so many seeds a mutant counts as one that nobody notices. */
const MUTANT_SEEDS = 400

/** Runs seeds from `seed` on, the first `from` of them done before. Throws when any has failed, or
 *  when a scenario was never met. */
export async function fullTokenSimulator({ seed, from, seeds, report }: Options): Promise<void> {
  const count = seeds || SEEDS
  const begun = performance.now()
  const failed: JobResult[] = []
  const met = new Map<number, number>()
  let [done, events, settled] = [from, 0, 0]
  const tell = (): void => {
    const seconds = (performance.now() - begun) / 1000
    const rate = (events / seconds).toFixed(0)
    const sums = `${events} events, ${settled} orders final, ${failed.length} failed`
    report(`${done} of ${count} seeds, ${sums}, ${seconds.toFixed(0)} s, ${rate} events/s`)
  }
  await runEach(jobsOf(seed + from, count - from), (result) => {
    done += 1
    events += result.events ?? 0
    settled += result.settled ?? 0
    for (const [scenario, times] of result.met ?? []) {
      met.set(scenario, (met.get(scenario) ?? 0) + times)
    }
    if (result.difference !== undefined) {
      failed.push(result)
      report(`seed ${result.seed}: ${result.difference}`)
      report(`  again: ./angelos test --full token-simulator --seed ${result.seed} --seeds 1`)
    }
    if (done % REPORT_SEEDS === 0) tell()
  })
  tell()
  report(SCENARIOS.map(([number]) => `${number}: ${met.get(number) ?? 0}`).join(', '))
  if (failed.length > 0) await retell(failed[0]!.seed, report)
  if (failed.length > 0) throw new Error(`seeds failed: ${failed.map((f) => f.seed).join(', ')}`)
  const missed = neverMet(met)
  if (count >= REPORT_SEEDS && missed.length > 0) {
    throw new Error(`scenarios never met: ${missed.join(', ')}`)
  }
}

/** Scenarios that seeds should meet and did not. */
export function neverMet(met: ReadonlyMap<number, number>): number[] {
  return SCENARIOS.flatMap(([number, shown]) =>
    shown === 'seeds' && !met.has(number) ? [number] : [],
  )
}

/** Tries every control and every mutant with seed after seed until one notices it, in the end with
 *  the one that did before, and writes the baseline. */
export async function fullTokenMutants({ seed, from, seeds, report }: Options): Promise<void> {
  const all = namesOf()
  const most = seeds || MUTANT_SEEDS
  // A seed that the source itself does not pass says nothing of its mutants.
  const failing = await differences([...jobsOf(seed, most)])
  const useless = new Set(failing.map((result) => result.seed))
  if (useless.size > 0) report(`not tried, as the source fails: ${[...useless].join(', ')}`)
  const found = new Map(Object.entries(readBaseline()))
  for (const name of all.slice(from)) {
    const before = found.get(name)
    const last = before == null ? [] : [jobOf(name, before)]
    const tried = [...jobsOf(seed, most)].map((job) => jobOf(name, job.seed))
    const first = await firstNoticed([...tried, ...last].filter((job) => !useless.has(job.seed)))
    found.set(name, first?.seed ?? null)
    report(`${name}: ${first ? `seed ${first.seed}: ${first.difference}` : 'not noticed'}`)
  }
  const lines = all.map((name) => `  "${name}": ${found.get(name) ?? null}`)
  writeFileSync(BASELINE, `{\n${lines.join(',\n')}\n}\n`)
}

/** All controls and mutants by name. */
export function namesOf(): string[] {
  return [...CONTROLS, ...readMutants().map(({ id }) => id)]
}

/** The committed result of the last whole run. */
export function readBaseline(): Baseline {
  return JSON.parse(readFileSync(BASELINE, 'utf8')) as Baseline
}

/** Runs jobs as they are and gives back those that ended with a difference. */
export async function differences(jobs: readonly Job[]): Promise<JobResult[]> {
  const found: JobResult[] = []
  await runEach(jobs.values(), (result) => {
    if (result.difference !== undefined) found.push(result)
  })
  return found
}

/** Runs the first seeds; answers what failed, and how often each scenario was met. */
export async function sample(count: number) {
  const failed: JobResult[] = []
  const met = new Map<number, number>()
  await runEach(jobsOf(1, count), (result) => {
    if (result.difference !== undefined) failed.push(result)
    for (const [scenario, times] of result.met ?? []) {
      met.set(scenario, (met.get(scenario) ?? 0) + times)
    }
  })
  return { failed, met }
}

/** Which of what was noticed is not noticed any more: neither by its seed, nor, as every change of
 *  the source changes what a seed holds, by one of the first `seeds`. */
export async function unnoticed(seeds: number): Promise<string[]> {
  const known = Object.entries(readBaseline()).flatMap(([name, seed]) =>
    seed === null ? [] : [{ name, job: jobOf(name, seed) }],
  )
  const noticed = await differences(known.map(({ job }) => job))
  const names = new Set(noticed.map(({ mutant, control }) => mutant ?? control))
  const missed: string[] = []
  for (const { name } of known) {
    if (names.has(name)) continue
    const more = [...jobsOf(1, seeds)].map(({ seed }) => jobOf(name, seed))
    if (!(await firstNoticed(more))) missed.push(name)
  }
  return missed
}

function jobOf(name: string, seed: number): Job {
  const isControl = (CONTROLS as readonly string[]).includes(name)
  return isControl ? { seed, control: name as Control } : { seed, mutant: name }
}

/** Of the seeds that notice it, the first that was found. */
async function firstNoticed(jobs: readonly Job[]): Promise<JobResult | undefined> {
  let first: JobResult | undefined
  await runEach(jobs.values(), (result) => {
    const { mutant, difference } = result
    if (difference?.startsWith('broken:')) throw new Error(`${mutant} ${difference}`)
    if (difference !== undefined && (!first || result.seed < first.seed)) first = result
    return first === undefined
  })
  return first
}

function runEach(jobs: Iterator<Job>, take: (result: JobResult) => boolean | void) {
  return runJobs<Job>(jobs, take, CHILD)
}

function* jobsOf(seed: number, count: number): Generator<Job> {
  for (let n = 0; n < count; n += 1) yield { seed: seed + n }
}

/** What happens in one seed, made as small as it gets. */
async function retell(seed: number, report: (line: string) => void): Promise<void> {
  const { without, trace, breach, events } = await shrink(seed)
  report(`seed ${seed} in ${events} events without ${without.join(', ') || 'nothing'}: ${breach}`)
  for (const line of trace.slice(-60)) report(`  ${line}`)
}
