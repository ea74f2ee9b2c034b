import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeEmbedded } from '../src/database/placement.ts'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

/** Longest time that a command may take to end when it is told to. */
const STOP_MAX_MS = 60_000

/** A command of ours in a process of its own, which a test may kill and start again. */
export type NodeProcess = {
  readonly origin: string
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  pid(): number | undefined
  start(): Promise<void>
  /** SIGKILL, as a crash or a power cut of the process would be. */
  kill(): Promise<void>
  stop(): Promise<number | null>
  output(): string
  [Symbol.asyncDispose](): Promise<void>
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Runs a command with what more is said after it, in a folder that is removed with its database
 *  when the process object is disposed. */
export async function nodeProcess(
  command: 'start' | 'plc',
  env: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Promise<NodeProcess> {
  const port = await freePort()
  const dataDir = await mkdtemp(join(tmpdir(), `angelos-${command}-`))
  const full = {
    PATH: process.env['PATH'] ?? '',
    ANGELOS_DATA_DIR: dataDir,
    [command === 'plc' ? 'ANGELOS_PLC_PORT' : 'ANGELOS_PORT']: String(port),
    ANGELOS_LOG_LEVEL: 'warn',
    ...env,
  }
  const origin = `http://localhost:${port}`
  const ready = command === 'plc' ? `${origin}/_health` : `${origin}/xrpc/_health`
  let child: ChildProcess | undefined
  let output = ''

  const start = async () => {
    const args = ['--disable-warning=ExperimentalWarning', MAIN, command, ...more]
    const started = spawn(process.execPath, args, { env: full, stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-50_000)))
    for (let tries = 0; tries < 600; tries++) {
      if (started.exitCode !== null || started.signalCode !== null) break
      const answer = await fetch(ready).catch(() => undefined)
      if (answer?.ok) return
      await sleep(100)
    }
    throw new Error(`${command} did not come up:\n${output}`)
  }
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return null
    const exited = once(ending, 'exit')
    ending.kill(signal)
    const late = setTimeout(() => ending.kill('SIGKILL'), STOP_MAX_MS)
    const [code] = (await exited) as [number | null]
    clearTimeout(late)
    if (signal !== 'SIGKILL' && ending.signalCode === 'SIGKILL')
      throw new Error(`${command} did not end within ${STOP_MAX_MS} ms:\n${output}`)
    return code
  }
  return {
    origin,
    dataDir,
    env: full,
    pid: () => child?.pid,
    start,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGINT'),
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      await end('SIGINT')
      removeEmbedded(dataDir)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
