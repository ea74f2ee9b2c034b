import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { type Account, type Created, createAccount, createMessage } from './client.ts'
import { buildPowerLossImage, copyCrashImage } from './disk-image.ts'
import { type Plc, startPds, startPlc } from './pds.ts'
import { between, seeded } from './random.ts'
import { rkeyOf, verifiedKeys, verifiedKeysInFile } from './repo.ts'

const ACCOUNTS = 3
const CLIENTS = 6

type Acknowledged = Map<Account, Created[]>
type Machine = { dir: string; imageDir: string; child: ChildProcess; origin: string }

/**
 * Cuts the power of a fast PDS `cuts` times while clients write, then kills it. After each cut,
 * what a disk must hold and what a crashed process leaves are both opened: every acknowledged
 * record and its event is there and the repo verifies. Returns how many records were checked.
 */
export async function powerLossRound(options: { seed: number; cuts: number }): Promise<number> {
  const random = seeded(options.seed)
  const plc = await startPlc()
  const root = await mkdtemp(path.join(os.tmpdir(), 'power-loss-'))
  const machine = await startMachine(root, plc)
  try {
    const acknowledged: Acknowledged = new Map()
    for (let n = 0; n < ACCOUNTS; n++) acknowledged.set(await createAccount(machine.origin), [])
    const stop = { now: false }
    const clients = Array.from({ length: CLIENTS }, () =>
      write(machine.origin, acknowledged, stop, random),
    )
    let checked = 0
    for (let cut = 0; cut < options.cuts; cut++) {
      await moreThan(acknowledged, count(acknowledged) + between(random, 10, 80))
      machine.child.kill('SIGSTOP')
      checked += await checkImages(machine, acknowledged, path.join(root, `cut-${cut}`), random)
      machine.child.kill('SIGCONT')
    }
    machine.child.kill('SIGKILL')
    stop.now = true
    await Promise.all(clients)
    await checkRestart(machine, acknowledged, plc)
    return checked
  } finally {
    machine.child.kill('SIGKILL')
    await plc.close()
    await rm(root, { recursive: true, force: true })
  }
}

/** The long run: `rounds` rounds of ten cuts, each reported, from round `resumeFrom` on. */
export async function fullPowerLoss(options: {
  seed: number
  rounds: number
  resumeFrom?: number
  report: (line: string) => void
}): Promise<void> {
  for (let round = options.resumeFrom ?? 0; round < options.rounds; round++) {
    const seed = options.seed + round
    const checked = await powerLossRound({ seed, cuts: 10 })
    options.report(`round ${round + 1} of ${options.rounds}, seed ${seed}: ${checked} records held`)
  }
}

async function startMachine(root: string, plc: Plc): Promise<Machine> {
  const dir = path.join(root, 'data')
  const imageDir = path.join(root, 'image')
  await mkdir(dir)
  const script = new URL('./power-loss-child.ts', import.meta.url)
  // `execArgv` empty: a test runner's loader is none of the server's business.
  const child = fork(script, [dir, imageDir, plc.url], { execArgv: [] })
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the server ended')))
  gone.catch(() => {})
  const [ready] = await Promise.race([once(child, 'message'), gone])
  return { dir, imageDir, child, origin: (ready as { origin: string }).origin }
}

async function write(
  origin: string,
  acknowledged: Acknowledged,
  stop: { now: boolean },
  random: () => number,
): Promise<void> {
  const accounts = [...acknowledged.keys()]
  for (let n = 0; !stop.now; n++) {
    const account = accounts[between(random, 0, accounts.length - 1)]
    if (account === undefined) throw new Error('there are no accounts')
    const text = 'x'.repeat(between(random, 1, 900))
    try {
      acknowledged.get(account)?.push(await createMessage(origin, account, text))
    } catch (error) {
      if (stop.now) return
      await sleep(5)
      if (n > 100_000) throw error
    }
  }
}

async function checkImages(
  machine: Machine,
  acknowledged: Acknowledged,
  to: string,
  random: () => number,
): Promise<number> {
  // What has been answered so far; more may be read from the socket while this runs.
  const noted = new Map([...acknowledged].map(([account, made]) => [account, [...made]]))
  const cut = (database: string, name: string): string[] => [
    buildPowerLossImage({ ...machine, database, to: path.join(to, name, 'power'), random }),
    copyCrashImage(database, path.join(to, name, 'crash')),
  ]
  for (const file of cut(path.join(machine.dir, 'sequencer.sqlite'), 'sequencer')) {
    const revs = [...noted.values()].flat().map((made) => made.commit.rev)
    expectAll(revs, revsIn(file), `events in ${file}`)
  }
  for (const [account, made] of noted) {
    const directory = await directoryOf(machine.dir, account.did)
    const privateKey = await readFile(path.join(directory, 'key'))
    for (const file of cut(path.join(directory, 'store.sqlite'), account.handle)) {
      const keys = new Set(await verifiedKeysInFile(file, { did: account.did, privateKey }))
      expectAll(
        made.map((one) => rkeyOf(one.uri)),
        (key) => keys.has(key),
        `records in ${file}`,
      )
    }
  }
  return count(noted)
}

async function directoryOf(dir: string, did: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(did))
  return path.join(dir, 'actors', Buffer.from(bytes).toString('hex').slice(0, 2), did)
}

function revsIn(file: string): (rev: string) => boolean {
  const db = new SqliteDatabase(file)
  try {
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') throw new Error('damaged events')
    const rows = db.prepare<[], { event: Buffer }>('select event from repo_seq').all()
    return (rev) => rows.some((row) => row.event.includes(rev))
  } finally {
    db.close()
  }
}

function expectAll(wanted: string[], has: (one: string) => boolean, what: string): void {
  const lost = wanted.filter((one) => !has(one))
  if (lost.length > 0) throw new Error(`${lost.length} of ${wanted.length} ${what} are lost`)
}

async function checkRestart(machine: Machine, acknowledged: Acknowledged, plc: Plc): Promise<void> {
  const server = await startPds({ plcUrl: plc.url, dir: machine.dir, switches: defaultSwitches })
  try {
    for (const [account, made] of acknowledged) {
      const next = await createMessage(server.origin, account, 'after the crash')
      const keys = new Set(await verifiedKeys(server, account.did))
      const wanted = [...made, next].map((one) => rkeyOf(one.uri))
      expectAll(wanted, (key) => keys.has(key), `records of ${account.did} after a restart`)
    }
  } finally {
    await server.close()
  }
}

function count(acknowledged: Acknowledged): number {
  return [...acknowledged.values()].reduce((sum, made) => sum + made.length, 0)
}

async function moreThan(acknowledged: Acknowledged, wanted: number): Promise<void> {
  const deadline = performance.now() + 60_000
  while (count(acknowledged) < wanted) {
    if (performance.now() > deadline) throw new Error('the writes have stopped')
    await sleep(2)
  }
}
