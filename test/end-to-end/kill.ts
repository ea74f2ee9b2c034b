import { readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseUrl } from '../../src/database/connect.ts'
import { CLUSTER, embeddedFiles } from '../../src/database/embedded-files.ts'
import { readIfThere } from '../../src/database/durable-file.ts'
import { findPostmaster, stopPostmaster } from '../../src/database/running-postmaster.ts'
import { silentLog } from '../../src/log.ts'
import { eventually } from '../eventually.ts'
import { between, seeded } from '../fast/random.ts'
import { type NodeProcess, nodeProcess } from '../node-process.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { subscribe } from '../subscriber.ts'
import { checkAll, checkHealth } from './kill-checks.ts'
import { newNotes } from './kill-notes.ts'
import { type Stage, startWriters } from './kill-writers.ts'

const SPACES = 'co.kendev.spaces'
const PEOPLE = 3
const WRITERS = 4
const FULL_KILLS = 20

/** Who is killed: one of the two processes, both, or the node again while it starts. */
const VICTIMS = ['node', 'postgres', 'both', 'starting node'] as const
type Victim = (typeof VICTIMS)[number]

export type KillFigures = {
  kills: number
  acknowledged: number
  unanswered: number
  seconds: number
}

/** Kills a node or its Postgres with SIGKILL while people write, from step `from` up to `kills`,
 *  then holds everything against what was acknowledged. Each step has a seed of its own, so that a
 *  later one can be begun with. Throws what was lost, repeated or miscounted. */
export async function killSeries(options: {
  seed: number
  from: number
  kills: number
  report: (line: string) => void
}): Promise<KillFigures> {
  const { seed, from, kills, report } = options
  const begun = performance.now()
  await using node = await nodeProcess('start', { ANGELOS_PLC_PORT: '0', ANGELOS_NAME: 'killed' })
  // A failure may leave a Postgres without its node, which would stop it.
  await using _orphan = { [Symbol.asyncDispose]: () => endOrphan(node) }
  await node.start()
  const stage = await setStage(node)
  const subscriber = subscribe(node.origin, stage.space)
  await using _listening = { [Symbol.asyncDispose]: () => subscriber.close() }
  for (let step = from; step < kills; step++) {
    const random = seeded(seed * 1_000 + step)
    const victim = victimOf(seed, step)
    const seeds = Array.from({ length: WRITERS }, () => between(random, 1, 2 ** 31))
    const writers = startWriters(stage, seeds)
    try {
      await moreWrites(stage, between(random, 5, 60))
      await sleep(between(random, 0, 300))
      const took = await killAndWait(node, victim, random)
      await moreWrites(stage, 5)
      report(`kill ${step + 1} of ${kills}, ${victim}: back after ${took} ms, ${told(stage)}`)
    } catch (cause) {
      const after = `kill ${step + 1}, of ${victim}, the node said:\n${node.output()}`
      throw new Error(`after ${after}`, { cause })
    } finally {
      await writers.stop()
    }
  }
  await checkAll(node.origin, stage, { subscriber, databaseUrl: urlOf(node.dataDir) })
  await subscriber.close()
  await checkRestart(node, stage)
  const seconds = Math.round((performance.now() - begun) / 1_000)
  const { acknowledged, unanswered } = stage.notes
  report(`all is there once after ${kills - from} kills, ${told(stage)}, ${seconds} s`)
  return { kills: kills - from, acknowledged, unanswered, seconds }
}

/** The long series, of which tests run a sample. */
export async function fullKill(options: {
  seed: number
  from: number
  report: (line: string) => void
}): Promise<void> {
  await killSeries({ ...options, kills: FULL_KILLS })
}

/** People in a space with channels, on a node named `killed`. */
export async function setStage(node: NodeProcess): Promise<Stage> {
  const people: Person[] = []
  for (let n = 1; n <= PEOPLE; n++) {
    people.push(await createPerson(node.origin, `person${n}.killed.test`))
  }
  const [owner, ...others] = people
  const { did: space } = await owner!.call<{ did: string }>(`${SPACES}.createSpace`, {
    name: 'Corner Garage',
    channels: [{ name: 'general' }, { name: 'projects' }],
  })
  for (const who of others) await who.call(`${SPACES}.join`, { space })
  const { items } = await anybodyGet<{ items: { uri: string }[] }>(
    node.origin,
    `${SPACES}.listChannels`,
    { space },
  )
  return { people, space, channels: items.map(({ uri }) => uri), notes: newNotes() }
}

/** Each four kills bring each victim once, in an order of the seed's. */
function victimOf(seed: number, step: number): Victim {
  const random = seeded(seed * 7_919 + Math.floor(step / VICTIMS.length))
  const order = VICTIMS.map((victim) => [random(), victim] as const).toSorted(([a], [b]) => a - b)
  return order[step % VICTIMS.length]![1]
}

/** Kills, brings back what does not come by itself, and answers how long it was away, in ms. */
async function killAndWait(
  node: NodeProcess,
  victim: Victim,
  random: () => number,
): Promise<number> {
  const begun = performance.now()
  const pid = node.pid()
  const data = dataOf(node.dataDir)
  const server = findPostmaster(data)
  if (!server) throw new Error('there is no Postgres')
  if (victim === 'both' || victim === 'postgres') process.kill(server.pid, 'SIGKILL')
  if (victim === 'both' || victim === 'node') await node.kill()
  if (victim === 'starting node') {
    await node.kill()
    const cutOff = node.start().catch(() => undefined)
    await sleep(between(random, 50, 2_500))
    await node.kill()
    await cutOff
  }
  if (victim === 'postgres') {
    await eventually(() => isBack(node, server.pid))
    if (node.pid() !== pid) throw new Error('the node has ended with its Postgres')
  } else await node.start()
  return Math.round(performance.now() - begun)
}

/** The health page answers at once, 503 while the database is away and 200 with a new server. */
async function isBack({ origin, dataDir }: NodeProcess, killed: number): Promise<void> {
  const response = await fetch(`${origin}/xrpc/_health`, { signal: AbortSignal.timeout(5_000) })
  if (response.status !== 200 && response.status !== 503)
    throw new Error(`the health page answered ${response.status}`)
  const server = findPostmaster(dataOf(dataDir))
  if (!server || server.pid === killed) throw new Error('no other Postgres has started')
  if (response.status === 503) throw new Error('the database is still away')
}

/** Waits until so many more writes were acknowledged. */
export async function moreWrites({ notes }: Stage, count: number): Promise<void> {
  const wanted = notes.acknowledged + count
  await eventually(() => {
    if (notes.acknowledged < wanted) throw new Error('the writers have stopped')
  }, 60_000)
}

/** The data folder opens again after an orderly stop that leaves no process behind. */
async function checkRestart(node: NodeProcess, { space }: Stage): Promise<void> {
  const list = () =>
    anybodyGet<{ items: object[] }>(node.origin, `${SPACES}.listMessages`, { space, limit: 100 })
  const before = await list()
  await stopCleanly(node)
  await node.start()
  await eventually(() => checkHealth(node.origin))
  const after = await list()
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw new Error('an orderly stop has changed what is shown')
  await stopCleanly(node)
}

async function stopCleanly(node: NodeProcess): Promise<void> {
  const code = await node.stop()
  if (code !== 0) throw new Error(`the node ended with ${code}:\n${node.output()}`)
  const left = processesIn(dataOf(node.dataDir))
  if (left.length > 0) throw new Error(`processes of Postgres are left: ${left.join(', ')}`)
}

/** Stops a Postgres that a killed node has left. */
export async function endOrphan(node: NodeProcess): Promise<void> {
  if ((await node.stop()) === 0) return
  const left = findPostmaster(dataOf(node.dataDir))
  if (left) await stopPostmaster(left, silentLog)
}

/** Where the embedded Postgres keeps its data. */
export function dataOf(dataDir: string): string {
  const { inPlace, placeRecord } = embeddedFiles(dataDir)
  const record = readIfThere(placeRecord)
  const home = record ? (JSON.parse(record) as { home: string }).home : inPlace
  return join(realpathSync(home), CLUSTER)
}

/** How a test reaches the embedded Postgres of a data folder. */
export function urlOf(dataDir: string): string {
  const { port, password } = embeddedFiles(dataDir)
  return databaseUrl(Number(readIfThere(port)), readIfThere(password) ?? '')
}

/** Every process of a Postgres works in its data folder. */
function processesIn(data: string): number[] {
  if (process.platform !== 'linux') return []
  const worksThere = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === data
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && worksThere(name))
    .map(Number)
}

function told({ notes }: Stage): string {
  const slowest = Math.round(notes.slowestMs)
  const writes = `${notes.acknowledged} writes acknowledged, ${notes.unanswered} cut off`
  return `${writes}, slowest ${slowest} ms`
}
