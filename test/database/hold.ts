import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Account } from '../../src/database/account.ts'

export type Holder = {
  pid: number
  url: string
  adopted: boolean
  /** Ends it as a node ends: the server is left in order. */
  stop(): Promise<void>
  /** Ends it as a crash does. */
  kill(): Promise<void>
}

/** Starts another process, the leader of its own group, that holds the database of `dataDir`. */
export async function hold(dataDir: string, account?: Account): Promise<Holder> {
  const script = join(import.meta.dirname, 'holder.ts')
  const child = spawn(process.execPath, [script, dataDir], {
    ...account,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (text) => (complaint += String(text)))
  const exited = once(child, 'exit')
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    exited.then(() => undefined),
  ])
  if (!line) throw new Error(complaint)
  const { url, adopted } = JSON.parse(line) as { url: string; adopted: boolean }
  const stop = async () => {
    child.stdin.end()
    await exited
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { pid: child.pid ?? 0, url, adopted, stop, kill }
}

/** Runs one statement on a connection of its own. */
export async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

/** Repeats until it succeeds; throws the last error after `forMs`. */
export async function eventually<T>(attempt: () => Promise<T>, forMs = 10_000): Promise<T> {
  const giveUpAt = performance.now() + forMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > giveUpAt) throw error
      await sleep(50)
    }
  }
}

/** The process id that the server of a data folder wrote down. */
export function postmasterPid(data: string): number {
  return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
}
