import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Sql } from '../../src/database/sql.ts'
import { between, seeded } from '../fast/random.ts'
import { pick } from '../ingest/draw-record.ts'
import { HOSTED, NODES, type NodeName } from './cast.ts'
import { differences, notRising } from './compare.ts'
import { CRASH_POINTS, type Crash } from './crash-points.ts'
import {
  type Expected,
  type Planned,
  acknowledge,
  admissions,
  drawBatch,
  expectNothing,
} from './oracle.ts'
import { type Stage, openStage } from './stage.ts'

const FULL_KILLS = 200
const CHECK_EVERY = 10
const CAUGHT_UP_MS = 600_000
/** So long it is waited for a crash point before the node is killed where it is. */
const PATIENCE_MS = 8_000
const WRITES = [10, 40] as const

type Options = { seed: number; from: number; kills: number; report: (line: string) => void }

/** What a series has done. */
export type SpaceKillFigures = { kills: number; reached: number; writes: number; doubtful: number }

/** The long series, of which tests run a sample. */
export async function fullSpaceKills(options: Omit<Options, 'kills'>): Promise<void> {
  await spaceKills({ ...options, kills: FULL_KILLS })
}

/** Kills two nodes that share private spaces, with SIGKILL, between any two steps of a write, of
 *  telling of it and of fetching it, from step `from` up to `kills`. At times, and in the end, each
 *  acknowledged write is there once, and the views of both are what the repos are. */
export async function spaceKills(options: Options): Promise<SpaceKillFigures> {
  const { seed, from, kills, report } = options
  const begun = performance.now()
  await using stage = await openStage()
  const run = new Run(stage, options)
  await run.begin()
  for (let step = from; step < kills; step += 1) {
    try {
      await run.step(step)
    } catch (error) {
      const begin = step - (step % CHECK_EVERY)
      report(`again: ./angelos test --full space-kills --seed ${seed} --from ${begin}`)
      throw error
    }
  }
  const { reached, writes, doubtful } = run
  const figures = { kills: kills - from, reached, writes, doubtful }
  const seconds = Math.round((performance.now() - begun) / 1000)
  report(
    `all is as it should be after ${figures.kills} kills, ${reached} of them at their step: ` +
      `${writes} writes, ${doubtful} of them unanswered, ${seconds} s`,
  )
  return figures
}

/** A node to be killed, and where. */
type Death = { readonly node: NodeName; readonly crash: Crash; readonly atStart: boolean }

class Run {
  /** kills at the step that was meant, batches stored, and those whose answer was lost */
  reached = 0
  writes = 0
  doubtful = 0
  readonly #stage: Stage
  readonly #options: Options
  readonly #repos: Expected[] = expectNothing()

  constructor(stage: Stage, options: Options) {
    this.#stage = stage
    this.#options = options
  }

  /** Both nodes live, people are admitted, and those elsewhere let their node follow. */
  async begin(): Promise<void> {
    const { nodes } = this.#stage
    await Promise.all(NODES.map((node) => nodes[node].begin()))
    await this.#write(await admissions(this.#repos))
    for (const did of HOSTED.b) {
      const answer = await nodes.b.grant(did)
      if (!answer || answer.error) throw new Error(`no grant: ${answer?.error}`)
    }
  }

  /** The end of one node while people write, and its next life. */
  async step(step: number): Promise<void> {
    const { seed, kills, report } = this.#options
    const random = seeded(seed * 1_000 + step)
    const death = deathOf(seed, step)
    const { node, crash, atStart } = death
    const one = this.#stage.nodes[node]
    if (atStart) {
      one.kill()
      await one.end()
      await one.begin(crash)
    } else one.arm(crash)
    const writing = this.#people(random)
    const found = await this.#awaitEnd(node)
    await writing
    if (found) this.reached += 1
    const told = `${crash.side} '${crash.point}' (${crash.nth}) on ${node}`
    const how = found ? told : `waiting for ${told}`
    report(`kill ${step + 1} of ${kills}: ${how}${atStart ? ', while it started' : ''}`)
    const wrong = await notRising(this.#stage.pools.a as unknown as Sql)
    if (wrong.length > 0) throw this.#failure(wrong)
    if ((step + 1) % CHECK_EVERY === 0 || step + 1 === kills) await this.#check(step)
  }

  /** Answers whether the node has ended where it was meant to; then it lives again. */
  async #awaitEnd(node: NodeName): Promise<boolean> {
    const one = this.#stage.nodes[node]
    const patience = new AbortController()
    const found = await Promise.race([
      one.end().then(() => true),
      sleep(PATIENCE_MS, false, patience),
    ])
    patience.abort()
    if (!found) one.kill()
    await one.end()
    await sleep(between(Math.random, 0, 300))
    await one.begin()
    return found
  }

  /** People write beside each other, in each repo one batch after the other. */
  async #people(random: () => number): Promise<void> {
    const turns = new Map<Expected, Promise<void>>()
    for (let left = between(random, ...WRITES); left > 0; left -= 1) {
      const repo = pick(random, this.#repos)
      const draw = seeded(Math.floor(random() * 2 ** 31))
      const before = turns.get(repo) ?? Promise.resolve()
      const turn = before.then(async () => {
        const planned = await drawBatch(draw, repo)
        if (planned.ops.length > 0) await this.#write(planned)
      })
      turns.set(repo, turn)
      await sleep(between(random, 0, 30))
    }
    await Promise.all(turns.values())
  }

  /** Stores a batch, in as many lives of its node as that takes. */
  async #write(planned: Planned): Promise<void> {
    const { home } = planned.repo
    for (;;) {
      const node = this.#stage.nodes[home]
      const { name } = node
      const answer = await node.write(planned.batch)
      if (answer?.error) throw this.#failure([`a write was refused: ${answer.error}`])
      const rev = answer?.rev ?? (await this.#foundRev(planned, name))
      if (rev !== undefined) {
        acknowledge(planned, rev)
        this.writes += 1
        return
      }
      await sleep(50)
    }
  }

  /** A node has ended before its answer: all of the batch is stored, or nothing. */
  async #foundRev({ repo, ops }: Planned, life: string): Promise<string | undefined> {
    const pool = this.#stage.pools[repo.home]
    await settled(pool, life)
    const { rows } = await pool.query<{ path: string; cid: string | null; rev: string }>(
      `select collection || '/' || rkey as path, cid, rev from repo.oplog
       where space = $1 and did = $2 and rev > $3 order by rev, idx`,
      [repo.space, repo.did, repo.rev],
    )
    if (rows.length === 0) return undefined
    this.doubtful += 1
    const same = rows.length === ops.length && rows.every((row, n) => row.cid === ops[n]!.cid)
    if (!same) throw this.#failure([`a batch of ${ops.length} is in the log as ${rows.length}`])
    return rows.at(-1)!.rev
  }

  /** Without a kill all comes to rest, as it should be. */
  async #check(step: number): Promise<void> {
    const pools = this.#stage.pools as unknown as Record<NodeName, Sql>
    const begun = performance.now()
    for (;;) {
      const wrong = await differences(pools, this.#repos)
      const took = Math.round(performance.now() - begun)
      if (wrong.length === 0) {
        this.#options.report(`after ${step + 1}: as it should be ${took} ms later`)
        return
      }
      if (took > CAUGHT_UP_MS) throw this.#failure(wrong)
      for (const node of NODES)
        if (this.#stage.nodes[node].ended) throw this.#failure([`node ${node} has ended by itself`])
      await sleep(300)
    }
  }

  #failure(wrong: readonly string[]): Error {
    const { a, b } = this.#stage.nodes
    return new Error(
      `${wrong.length} differences:\n  ${wrong.slice(0, 30).join('\n  ')}\n` +
        `a: ${a.output}\nb: ${b.output}`,
    )
  }
}

/** Every so many kills bring each step once, in an order of the seed's, on a node that comes to
 *  it. */
function deathOf(seed: number, step: number): Death {
  const round = Math.floor(step / CRASH_POINTS.length)
  const random = seeded(seed * 104_729 + round)
  const order = CRASH_POINTS.map((point) => [random(), point] as const).toSorted(
    ([a], [b]) => a - b,
  )
  const chance = seeded(seed * 7_919 + step)
  const point = order[step % CRASH_POINTS.length]![1]
  const side = pick(chance, ['before', 'after'] as const)
  const node = pick(
    chance,
    NODES.filter((name) => !(ONLY[point] && ONLY[point] !== name)),
  )
  const crash = { point, side, nth: between(chance, 1, 3) }
  return { node, crash, atStart: chance() < 0.25 }
}

/** Steps that only one of the nodes comes to. */
const ONLY: Readonly<Record<string, NodeName>> = {
  'guard of a membership': 'a',
  'writer noted': 'a',
  'space revision moved': 'a',
  'writer placed': 'a',
  'forward put down': 'a',
  'forward claimed': 'a',
  'forward done': 'a',
  'credential asked for': 'b',
  'registration asked for': 'b',
  'list asked for': 'b',
}

/** Waits until the database has carried out what a life that has ended had asked of it. */
async function settled(pool: pg.Pool, life: string): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ n: number }>(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [life],
    )
    if (rows[0]!.n === 0) return
    await sleep(10)
  }
}
