import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { Job, JobResult } from './seeds-child.ts'

/** A mutant may spin for ever: longer than this no run takes. */
const HANG_MS = 60_000

/**
 * Gives jobs to one process per core as they become free, and each result to `take`; what that
 * answers with `false` ends everything. Jobs are drawn one at a time, so that they can depend on
 * results. A job that hangs is ended with its process and has a difference that says so.
 */
export async function runJobs(jobs: Iterator<Job>, take: (result: JobResult) => boolean | void) {
  let ended = false
  async function work(): Promise<void> {
    let child = start()
    try {
      while (!ended) {
        const next = jobs.next()
        if (next.done) return
        const result = await runOne(child, next.value)
        if (result === undefined) {
          child.kill('SIGKILL')
          child = start()
        }
        if (take(result ?? { ...next.value, difference: 'it hangs or ends' }) === false)
          ended = true
      }
    } finally {
      child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

function start(): ChildProcess {
  return fork(new URL('seeds-child.ts', import.meta.url), { execArgv: [] })
}

function runOne(child: ChildProcess, job: Job): Promise<JobResult | undefined> {
  return new Promise((resolve) => {
    const finish = (result: JobResult | undefined): void => {
      clearTimeout(timer)
      child.off('message', finish as (message: unknown) => void)
      child.off('exit', onExit)
      resolve(result)
    }
    const onExit = (): void => finish(undefined)
    const timer = setTimeout(finish, HANG_MS, undefined)
    child.once('message', finish as (message: unknown) => void)
    child.once('exit', onExit)
    child.send(job)
  })
}
