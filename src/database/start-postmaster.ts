import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log } from '../log.ts'
import { POSTGRES_ENV } from './cluster.ts'
import { databaseUrl, isReady } from './connect.ts'
import { freePort } from './free-port.ts'
import { type Place } from './placement.ts'
import { type Postmaster, endLeftovers, findPostmaster, isRunning } from './running-postmaster.ts'
import { stopPostmaster } from './running-postmaster.ts'

export type ServerOptions = {
  place: Place
  password: string
  /** Postgres writes here itself, so that it goes on when this process is killed. */
  logFile: string
  /** The port to use, which `keepPort` forbids to change when it is taken. */
  port?: number
  keepPort: boolean
  /** Settings of the server in place of ours. */
  settings?: Readonly<Record<string, string>>
  log: Log
}

const RECOVERY_MAX_MS = 10 * 60_000
const RETRY_MS = 15_000
const LEFTOVERS_AFTER_MS = 3000
const LOG_FILE_MAX_BYTES = 4 * 2 ** 20
const LOG_TAIL_BYTES = 2048

/** Reasons that pass: leftovers of a killed server, a start by somebody else, a taken port. */
const MAY_PASS = /shared memory block|lock file|could not bind|could not create any TCP/

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '60',
  max_wal_size: '1GB',
  // Workers of one query need more of /dev/shm than containers grant, and small nodes lack cores.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  // Errors go to their caller; the file must not collect statements and the values in them.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
}

/**
 * Adopts the server that runs on the data of a place, or starts one and waits until it answers;
 * recovery after a crash may take minutes. The caller holds the start lock.
 */
export async function attachServer(
  options: ServerOptions,
): Promise<Postmaster & { adopted: boolean }> {
  const began = performance.now()
  for (;;) {
    const running = findPostmaster(options.place.data)
    if (running?.stopping) await stopPostmaster(running, options.log)
    else if (running && running.port > 0 && (await becomesReady(running, options))) {
      return { ...running, adopted: true }
    }
    if (!findPostmaster(options.place.data)) {
      const outcome = await startServer(options)
      if ('pid' in outcome) return { ...outcome, adopted: false }
      if (!MAY_PASS.test(outcome.failure) || performance.now() - began > RETRY_MS) {
        throw new Error(`Postgres did not start in ${options.place.data}: ${outcome.failure}`)
      }
    }
    if (performance.now() - began > LEFTOVERS_AFTER_MS) endLeftovers(options.place.data)
    await sleep(100)
  }
}

async function startServer(options: ServerOptions): Promise<Postmaster | { failure: string }> {
  const port = options.keepPort && options.port ? options.port : await freePort(options.port)
  const output = openLog(options.logFile)
  try {
    const logged = fstatSync(output).size
    const child = spawnPostgres(options, port, output)
    const failure = failureOf(child)
    const server = { pid: child.pid ?? 0, port, data: options.place.data }
    const ready = becomesReady(server, options, () => child.exitCode === null && !child.signalCode)
    const error = await Promise.race([failure, ready.then((yes) => (yes ? undefined : failure))])
    if (error === undefined) return server
    return { failure: `${error} ${tail(options.logFile, logged)}`.trim() }
  } finally {
    closeSync(output)
  }
}

/** In a process group of its own: Ctrl-C in a terminal reaches only us, and we decide the order. */
function spawnPostgres(options: ServerOptions, port: number, output: number): ChildProcess {
  const { place } = options
  const chosen = { ...SETTINGS, ...options.settings }
  const settings = Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(
    place.binaries.postgres,
    ['-D', place.data, '-p', String(port), ...settings],
    {
      ...place.account,
      cwd: place.home,
      env: POSTGRES_ENV,
      detached: true,
      stdio: ['ignore', output, output],
    },
  )
  child.unref()
  return child
}

function failureOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}.`))
  })
}

/** Waits for a server to answer; false when it ended first. Throws when it answers wrongly. */
async function becomesReady(
  server: Postmaster,
  options: ServerOptions,
  runs = () => isRunning(server),
): Promise<boolean> {
  const url = databaseUrl(server.port, options.password)
  const began = performance.now()
  let nextNoteAt = began + 10_000
  while (runs()) {
    if (await isReady(url, server.data)) return true
    if (performance.now() - began > RECOVERY_MAX_MS) {
      throw new Error(`Postgres (pid ${server.pid}) did not answer, see ${options.logFile}.`)
    }
    if (performance.now() > nextNoteAt) {
      options.log.warn({ pid: server.pid }, 'waiting for postgres to recover')
      nextNoteAt += 10_000
    }
    await sleep(20)
  }
  return false
}

function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > LOG_FILE_MAX_BYTES) renameSync(file, `${file}.old`)
  return openSync(file, 'a', 0o600)
}

/** What a log file says from byte `from` on, or the end of that. */
export function tail(file: string, from: number): string {
  const input = openSync(file, 'r')
  try {
    const { size } = fstatSync(input)
    const start = Math.max(from, size - LOG_TAIL_BYTES)
    const bytes = Buffer.alloc(Math.max(0, size - start))
    readSync(input, bytes, 0, bytes.length, start)
    return bytes.toString('utf8').trim()
  } finally {
    closeSync(input)
  }
}
