import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { type Account, MESSAGE, createAccount, createMessage, getCar, post } from './client.ts'
import { type Plc, type TestPds, startPds, startPlc } from './pds.ts'
import { between, seeded } from './random.ts'
import { rkeyOf, verifiedKeys } from './repo.ts'

const CLIENTS = 8
const ACCOUNTS = 12
const LIFE_MS = 20_000

type Kept = { account: Account; keys: Set<string>; busy: boolean }

/**
 * Clients create, update, delete, read CARs and leave and join for so many minutes, with few open
 * connections and a restart after each life; then every repo has exactly what it should have.
 * Throws on the first difference.
 */
export async function fullSoak(options: {
  minutes: number
  seed: number
  report: (line: string) => void
}): Promise<void> {
  const random = seeded(options.seed)
  const plc = await startPlc()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'soak-'))
  const end = performance.now() + options.minutes * 60_000
  const kept: Kept[] = []
  try {
    for (let life = 1; performance.now() < end; life++) {
      const ms = Math.min(LIFE_MS, end - performance.now())
      const done = await oneLife({ plc, dir, ms, random, kept })
      const repos = kept.length
      const rss = Math.round(process.memoryUsage().rss / 2 ** 20)
      options.report(`life ${life}: ${done} operations, ${repos} repos verified, ${rss} MiB`)
    }
  } finally {
    await plc.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function oneLife(life: {
  plc: Plc
  dir: string
  ms: number
  random: () => number
  kept: Kept[]
}): Promise<number> {
  const switches = { ...defaultSwitches, openRepos: 4 }
  const server = await startPds({ plcUrl: life.plc.url, dir: life.dir, switches })
  const { kept, random } = life
  let done = 0
  try {
    while (kept.length < ACCOUNTS) kept.push(await join(server))
    const end = performance.now() + life.ms
    const client = async (): Promise<void> => {
      while (performance.now() < end) {
        await step(server, kept, random)
        done++
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    for (const one of kept) await check(server, one)
    return done
  } finally {
    await server.close()
  }
}

async function join(server: TestPds): Promise<Kept> {
  return { account: await createAccount(server.origin), keys: new Set(), busy: false }
}

async function step(server: TestPds, kept: Kept[], random: () => number): Promise<void> {
  const one = kept[between(random, 0, kept.length - 1)]
  if (one === undefined) return
  const roll = random()
  if (roll < 0.1) await getCar(server.origin, one.account.did).catch(() => {})
  else if (roll < 0.6 || one.busy) await create(server, one, random).catch(ignoreIfGone(kept, one))
  // One of these at a time for a repo, so that the test knows what is left.
  else await alone(one, () => changeOrLeave(server, kept, one, random))
}

async function create(server: TestPds, one: Kept, random: () => number): Promise<void> {
  const text = 'x'.repeat(between(random, 1, 2000))
  one.keys.add(rkeyOf((await createMessage(server.origin, one.account, text)).uri))
}

async function alone(one: Kept, work: () => Promise<void>): Promise<void> {
  one.busy = true
  await work().finally(() => (one.busy = false))
}

async function changeOrLeave(
  server: TestPds,
  kept: Kept[],
  one: Kept,
  random: () => number,
): Promise<void> {
  const { did, accessJwt: token } = one.account
  const [rkey] = one.keys
  if (random() < 0.02) {
    kept.splice(kept.indexOf(one), 1, await join(server))
    await post(server.origin, 'com.atproto.admin.deleteAccount', { did }, { admin: true })
    return
  }
  if (rkey === undefined) return
  const at = { repo: did, collection: MESSAGE, rkey }
  if (random() < 0.5) {
    one.keys.delete(rkey)
    await post(server.origin, 'com.atproto.repo.deleteRecord', at, { token })
    return
  }
  const record = { $type: MESSAGE, text: 'again', createdAt: '2026-01-01T00:00:00.000Z' }
  await post(server.origin, 'com.atproto.repo.putRecord', { ...at, record }, { token })
}

function ignoreIfGone(kept: Kept[], one: Kept): (error: unknown) => void {
  return (error) => {
    if (kept.includes(one)) throw error
  }
}

async function check(server: TestPds, one: Kept): Promise<void> {
  const keys = await verifiedKeys(server, one.account.did)
  const wanted = [...one.keys].toSorted()
  if (keys.join() === wanted.join()) return
  throw new Error(`${one.account.did} has ${keys.length} records, not ${wanted.length}`)
}
