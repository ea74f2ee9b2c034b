import { existsSync, mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log } from '../log.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { prepareCluster } from './cluster.ts'
import { databaseUrl } from './connect.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { embeddedFiles } from './embedded-files.ts'
import { type FileLock, tryLock, waitForLock } from './file-lock.ts'
import { choosePlace } from './placement.ts'
import {
  type Postmaster,
  findPostmaster,
  seemsRunning,
  stopPostmaster,
} from './running-postmaster.ts'
import { type ServerOptions, attachServer, tail } from './start-postmaster.ts'

export type EmbeddedPostgres = {
  /** Stays the same until this process ends, also when the server crashes and comes back. */
  url: string
  /** Whether the server already ran: left by a killed process, or shared with a living one. */
  adopted: boolean
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Longest wait for another process that makes or recovers the same database. */
const START_LOCK_MS = 12 * 60_000
const WATCH_EVERY_MS = 200
const RESTART_DELAY_MAX_MS = 5000
const QUICK_END_MS = 10_000

/**
 * Starts the embedded Postgres of `dataDir` (made at first), or adopts the one that runs there,
 * and keeps it running. Any number of processes may share it: each holds the users' lock, and
 * whoever leaves last stops the server. A process that is killed leaves it to the next one.
 * Throws with the way out when the database that should be there cannot be opened.
 */
export async function startEmbedded(options: {
  dataDir: string
  log: Log
  binaries?: Binaries
  machineFolder?: string
  /** Settings of the server in place of ours, for who can lose the data. */
  settings?: Readonly<Record<string, string>>
}): Promise<EmbeddedPostgres> {
  const { dataDir, log, settings } = options
  makeDataDir(dataDir)
  const files = embeddedFiles(dataDir)
  const mutex = await waitForLock(files.startLock, 'exclusive', START_LOCK_MS)
  let user: FileLock | undefined
  try {
    user = await waitForLock(files.usersLock, 'shared', START_LOCK_MS)
    const place = await choosePlace({ binaries: findBinaries(), ...options })
    const { password, created } = await prepareCluster(place, files)
    const port = Number(readIfThere(files.port)) || undefined
    const kept = { place, password, logFile: files.log, log, ...(settings && { settings }) }
    const server = { ...kept, keepPort: false }
    const first = await attachServer({ ...server, ...(port && { port }) })
    if (first.port !== port) writeDurably(files.port, String(first.port))
    const { pid, adopted } = first
    if (created && existsSync(files.placeRecord)) {
      log.warn(
        { dataDir, data: place.data },
        'the database lies outside the data folder: keep both',
      )
    }
    log.info({ pid, port: first.port, data: place.data, created, adopted }, 'postgres runs')
    const stop = supervise(first, { ...server, port: first.port, keepPort: true, files, user })
    const url = databaseUrl(first.port, password)
    return { url, adopted, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    user?.release()
    throw error
  } finally {
    mutex.release()
  }
}

/** Root's lets others pass through, without listing it, so that the data can stay in it. */
function makeDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
}

type Supervised = ServerOptions & {
  port: number
  files: { startLock: string; usersLock: string }
  user: FileLock
}

/** Watches the server, brings it back on its port, and answers how to leave it. */
function supervise(first: Postmaster, options: Supervised): () => Promise<void> {
  const leaving = new AbortController()
  const watching = watch(first, options, leaving.signal)
  const leave = async () => {
    leaving.abort()
    await watching
    const mutex = await waitForLock(options.files.startLock, 'exclusive', START_LOCK_MS)
    try {
      options.user.release()
      await stopIfLast(first.data, options)
    } finally {
      mutex.release()
    }
  }
  let left: Promise<void> | undefined
  return () => (left ??= leave())
}

async function stopIfLast(data: string, options: Supervised): Promise<void> {
  const alone = tryLock(options.files.usersLock, 'exclusive')
  if (!alone) return
  try {
    const running = findPostmaster(data)
    if (running) await stopPostmaster(running, options.log)
  } finally {
    alone.release()
  }
}

async function watch(first: Postmaster, options: Supervised, leaving: AbortSignal): Promise<void> {
  let server = first
  let runsSince = performance.now()
  let quickEnds = 0
  while (!leaving.aborted) {
    await pause(WATCH_EVERY_MS, leaving)
    if (leaving.aborted || seemsRunning(server)) continue
    options.log.error({ pid: server.pid, said: tail(options.logFile, 0) }, 'postgres ended')
    quickEnds = performance.now() - runsSince < QUICK_END_MS ? quickEnds + 1 : 0
    await pause(Math.min(quickEnds * WATCH_EVERY_MS, RESTART_DELAY_MAX_MS), leaving)
    server = (await bringBack(options, leaving)) ?? server
    runsSince = performance.now()
  }
}

async function bringBack(
  options: Supervised,
  leaving: AbortSignal,
): Promise<Postmaster | undefined> {
  for (let delay = 50; !leaving.aborted; delay = Math.min(delay * 2, RESTART_DELAY_MAX_MS)) {
    const mutex = tryLock(options.files.startLock, 'exclusive')
    try {
      const server = mutex && (await attachServer(options))
      if (server && server.port !== options.port) {
        throw new Error(`Postgres now listens on port ${server.port}: restart this process.`)
      }
      if (server) {
        options.log.warn({ pid: server.pid, adopted: server.adopted }, 'postgres runs again')
        return server
      }
    } catch (error) {
      options.log.error({ err: error }, 'postgres could not be restarted yet')
    } finally {
      mutex?.release()
    }
    await pause(delay, leaving)
  }
}

/** Sleeps without keeping the process alive; ends early, without an error, when we leave. */
async function pause(ms: number, leaving: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: leaving, ref: false }).catch(() => {})
}
