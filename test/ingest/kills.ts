import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlPool } from '../../src/appview/sql.ts'
import { findPostmaster } from '../../src/database/running-postmaster.ts'
import { between, seeded } from '../fast/random.ts'
import { differences } from './compare.ts'
import { type Consumer, startConsumer } from './consumer.ts'
import { pick } from './draw-record.ts'
import { admit, happen, settle } from './happen.ts'
import { type Stage, openStage } from './stage.ts'
import { type World, openWorld } from './world.ts'

const FULL_KILLS = 50
const CHECK_EVERY = 10
const CAUGHT_UP_MS = 60_000

/** When the consumer is killed: while it starts, at some moment, while a repo is on its way or has
 *  just come, or when a record that names somebody nobody follows has just been told. */
const MOMENTS = ['loading', 'starting', 'streaming', 'fetching', 'fetched', 'naming'] as const
type Moment = (typeof MOMENTS)[number]

/** How long after the beginning of its moment it is killed, and one is waited for, in ms. */
const WAITS: Readonly<Record<Moment, readonly [number, number]>> = {
  loading: [0, 800],
  starting: [0, 40],
  streaming: [40, 2_500],
  fetching: [0, 60],
  fetched: [0, 60],
  naming: [0, 60],
}
const PATIENCE_MS = 5_000

type Options = { seed: number; from: number; kills: number; report: (line: string) => void }

/** The long series, of which tests run a sample. */
export async function fullIngestKills(options: Omit<Options, 'kills'>): Promise<void> {
  await ingestKills({ ...options, kills: FULL_KILLS })
}

export type IngestFigures = { kills: number; postgres: number; frames: number; repos: number }

/** Kills the consumer with SIGKILL while hosts tell and are asked, and at times Postgres with it,
 *  from step `from` up to `kills`. At times, and in the end, what it holds must be what is true.
 *  What happens in the world is of the seed and the step; a failure names both. */
export async function ingestKills(options: Options): Promise<IngestFigures> {
  const { seed, from, kills, report } = options
  const begun = performance.now()
  await using world = await openWorld(seeded(seed))
  await using stage = await openStage()
  const run = new Run(world, stage, options)
  for (let step = 0; step < kills; step += 1) {
    try {
      if (step < from) run.replay(step)
      else await run.step(step)
    } catch (error) {
      const begin = step - (step % CHECK_EVERY)
      report(`again: ./angelos test --full ingest-kills --seed ${seed} --from ${begin}`)
      throw error
    }
  }
  const { postgres } = run
  const frames = world.hosts.reduce((sum, { emitted }) => sum + emitted, 0)
  const repos = world.hosts.reduce((sum, { fetched }) => sum + fetched, 0)
  const seconds = Math.round((performance.now() - begun) / 1000)
  const what = `${kills - from} kills, ${postgres} of them with Postgres`
  report(`all is as it should be after ${what}: ${frames} frames, ${repos} repos, ${seconds} s`)
  return { kills: kills - from, postgres, frames, repos }
}

class Run {
  /** kills of Postgres so far */
  postgres = 0
  readonly #world: World
  readonly #stage: Stage
  readonly #options: Options

  constructor(world: World, stage: Stage, options: Options) {
    this.#world = world
    this.#stage = stage
    this.#options = options
  }

  /** What happens in the world in a step that was done before. */
  replay(step: number): void {
    const random = this.#randomOf(step)
    for (const act of this.#actsOf(step, random)) act()
    if (this.#isCheck(step)) settle(this.#world, random)
  }

  /** One life of the consumer, and its end. */
  async step(step: number): Promise<void> {
    const random = this.#randomOf(step)
    const acts = this.#actsOf(step, random)
    const moment = momentOf(this.#options.seed, step)
    // Whatever else is drawn must not change what happens in the world.
    const chance = seeded(this.#options.seed * 7_919 + step)
    const consumer = this.#start(chance)
    try {
      const acting = this.#act(acts, chance)
      await this.#wait(consumer, moment, chance)
      const also = await this.#killPostgres(chance)
      await consumer.kill()
      await acting
      this.#report(`kill ${step + 1} of ${this.#options.kills}, ${moment}${also}`)
    } finally {
      await consumer[Symbol.asyncDispose]()
    }
    if (this.#isCheck(step)) await this.#check(step, random)
  }

  #randomOf(step: number): () => number {
    return seeded(this.#options.seed * 1_000 + step)
  }

  #isCheck(step: number): boolean {
    return (step + 1) % CHECK_EVERY === 0 || step + 1 === this.#options.kills
  }

  #actsOf(step: number, random: () => number): (() => void)[] {
    const acts = Array.from({ length: between(random, 10, 80) }, () => () => {
      happen(this.#world, random)
    })
    const guest = this.#world.guests[Math.floor(step / MOMENTS.length)]
    if (momentOf(this.#options.seed, step) === 'naming' && guest !== undefined)
      acts.unshift(() => admit(this.#world, guest))
    return acts
  }

  #start(chance: () => number): Consumer {
    const { plcUrl, hosts, accounts, followed } = this.#world
    const [own, whole] = hosts
    const homes = new Map(accounts.map(({ did, host }) => [did, host.origin]))
    return startConsumer({
      databaseUrl: this.#stage.url,
      plcUrl,
      own: own.origin,
      upstreams: [whole.origin],
      follow: followed.map((did) => ({ did, pds: homes.get(did)! })),
      shards: pick(chance, [1, 2, 4]),
      slowMs: 0,
      patient: false,
    })
  }

  async #act(acts: readonly (() => void)[], chance: () => number): Promise<void> {
    const pace = between(chance, 0, 30)
    for (const act of acts) {
      act()
      await sleep(pace * chance())
    }
  }

  async #wait(consumer: Consumer, moment: Moment, chance: () => number): Promise<void> {
    const { hosts, asked } = this.#world
    const [known, before] = [asked.size, fetchedBy(hosts)]
    if (moment !== 'loading') await consumer.begun()
    if (moment === 'fetching') await until(() => hosts.some(({ fetching }) => fetching > 0))
    if (moment === 'fetched') await until(() => fetchedBy(hosts) > before)
    if (moment === 'naming') await until(() => asked.size > known)
    const [least, most] = WAITS[moment]
    await sleep(between(chance, least, most))
  }

  /** In one of three kills Postgres goes too, or a process of it, a while before the consumer. */
  async #killPostgres(chance: () => number): Promise<string> {
    const [isTurn, isWhole, before] = [chance() < 1 / 3, chance() < 0.5, between(chance, 0, 1_500)]
    if (!isTurn) return ''
    const { pool, data } = this.#stage
    // It may be away still, after the last time.
    const found = isWhole ? findPostmaster(data)?.pid : backendOf(pool).catch(() => undefined)
    const pid = await found
    if (pid === undefined) return ''
    process.kill(pid, 'SIGKILL')
    this.postgres += 1
    await sleep(before)
    return `, ${before} ms after ${isWhole ? 'Postgres' : 'a process of Postgres'}`
  }

  /** Without a kill it comes to the truth. */
  async #check(step: number, random: () => number): Promise<void> {
    const { pool } = this.#stage
    settle(this.#world, random)
    let consumer = this.#start(() => 0)
    const begun = performance.now()
    try {
      let left: string[] = []
      do {
        await sleep(200)
        left = await differences(pool as unknown as SqlPool, this.#world)
          .catch(String)
          .then(asList)
        if (consumer.ended) {
          await consumer.kill()
          consumer = this.#start(() => 0)
        }
      } while (left.length > 0 && performance.now() - begun < CAUGHT_UP_MS)
      if (left.length > 0) throw failure(left, consumer.output())
      this.#report(
        `after ${step + 1}: as it should be ${Math.round(performance.now() - begun)} ms later`,
      )
    } finally {
      await consumer[Symbol.asyncDispose]()
    }
  }

  #report(line: string): void {
    this.#options.report(line)
  }
}

/** Each six kills bring each moment once, in an order of the seed's. */
function momentOf(seed: number, step: number): Moment {
  const random = seeded(seed * 104_729 + Math.floor(step / MOMENTS.length))
  const order = MOMENTS.map((moment) => [random(), moment] as const).toSorted(([a], [b]) => a - b)
  return order[step % MOMENTS.length]![1]
}

function fetchedBy(hosts: World['hosts']): number {
  return hosts.reduce((sum, { fetched }) => sum + fetched, 0)
}

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!isSo() && performance.now() < end) await sleep(2)
}

function failure(left: readonly string[], output: string): Error {
  const shown = left.slice(0, 20).join('\n  ')
  return new Error(`${left.length} differences:\n  ${shown}\n${output}`)
}

function asList(found: string | string[]): string[] {
  return typeof found === 'string' ? [found] : found
}

/** A connection of the consumer. */
async function backendOf(pool: Stage['pool']): Promise<number | undefined> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where application_name = 'angelos' and pid <> pg_backend_pid()
     order by state = 'active' desc, pid desc limit 1`,
  )
  return rows[0]?.pid
}
