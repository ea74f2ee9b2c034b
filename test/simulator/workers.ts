import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** A mutant may spin for ever: longer than this no run takes. */
const HANG_MS = 60_000

/**
 * Gives jobs to one process per core as they become free, and each result to `take`; what that
 * answers with `false` ends everything. Jobs are drawn one at a time, so that they can depend on
 * results. A job that hangs is ended with its process and has a difference that says so.
 */
export async function runJobs<Job extends object>(
  jobs: Iterator<Job>,
  take: (result: Job & { difference?: string }) => boolean | void,
  child = new URL('seeds-child.ts', import.meta.url),
) {
  type Result = Job & { difference?: string }
  let ended = false
  async function work(): Promise<void> {
    let process = start(child)
    try {
      while (!ended) {
        const next = jobs.next()
        if (next.done) return
        const result = (await runOne(process, next.value)) as Result | undefined
        if (result === undefined) {
          process.kill('SIGKILL')
          process = start(child)
        }
        if (take(result ?? { ...next.value, difference: 'it hangs or ends' }) === false)
          ended = true
      }
    } finally {
      process.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

function start(child: URL): ChildProcess {
  return fork(child, { execArgv: [] })
}

function runOne(child: ChildProcess, job: object): Promise<unknown> {
  return new Promise((resolve) => {
    const finish = (result: unknown): void => {
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
