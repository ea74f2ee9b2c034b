import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log } from '../log.ts'
import { hasCode, readIfThere } from './durable-file.ts'

/** A server process of Postgres that works in the folder `data`, by its real path. */
export type Postmaster = { pid: number; port: number; data: string }

/** How long a server may take to end after each signal, in milliseconds. */
const PATIENCE = [
  // Fast shutdown: sessions are ended, a checkpoint is written.
  ['SIGINT', 8000],
  // Immediate: it recovers from the log at its next start.
  ['SIGQUIT', 6000],
  ['SIGKILL', 2000],
] as const

/** The live server of a data folder, whoever started it, and what it says about itself. */
export function findPostmaster(data: string): (Postmaster & { stopping: boolean }) | undefined {
  const lines = readIfThere(join(data, 'postmaster.pid'))?.split('\n')
  if (!lines) return undefined
  const server = { pid: Number(lines[0]), port: Number(lines[3] || 0), data }
  if (!Number.isInteger(server.pid) || server.pid <= 0 || !isRunning(server)) return undefined
  return { ...server, stopping: lines[7]?.trim() === 'stopping' }
}

/** Whether the process is still that server: pids are reused, so its command line is compared. */
export function isRunning({ pid, data }: { pid: number; data: string }): boolean {
  try {
    process.kill(pid, 0)
    if (process.platform === 'linux') {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words[words.indexOf('-D') + 1] === data
    }
    const command = ['-ww', '-o', 'command=', '-p', String(pid)]
    return execFileSync('ps', command, { encoding: 'utf8' }).includes(`-D ${data} `)
  } catch {
    return false
  }
}

/** Like `isRunning`, cheap enough to ask all the time about a server known to be one. */
export function seemsRunning(server: Postmaster): boolean {
  if (process.platform === 'linux') return isRunning(server)
  try {
    return process.kill(server.pid, 0)
  } catch {
    return false
  }
}

/** Ends a server and waits for it; asks gently first and throws when even SIGKILL did not help. */
export async function stopPostmaster(server: Postmaster, log: Log): Promise<void> {
  for (const [signal, patience] of PATIENCE) {
    if (!isRunning(server)) return
    if (signal !== 'SIGINT') log.warn({ pid: server.pid, signal }, 'postgres is slow to stop')
    send(server.pid, signal)
    const giveUpAt = performance.now() + patience
    while (performance.now() < giveUpAt) {
      if (!isRunning(server)) return
      await sleep(20)
    }
  }
  throw new Error(`Postgres (pid ${server.pid}) does not stop.`)
}

/**
 * Ends children that outlived a killed server and hold its shared memory, busy in a long query.
 * Where their working folder cannot be seen (not Linux, or root without CAP_SYS_PTRACE) they end
 * when their query does.
 */
export function endLeftovers(data: string): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && worksIn(pid, data)) send(pid, 'SIGQUIT')
  }
}

/** Every process of Postgres changes into its data folder. */
function worksIn(pid: number, data: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) !== data) return false
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres'
  } catch {
    return false
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
