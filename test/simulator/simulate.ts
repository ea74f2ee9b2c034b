import { seeded } from '../fast/random.ts'
import { apiOf } from './api.ts'
import type { Following } from '../../src/firehose/follow.ts'
import { createStore, startConsumer } from './consumer.ts'
import { type Oracle, createOracle } from './oracle.ts'
import { ACTIVE_MS, heal, plan } from './scenario.ts'
import type { Person } from './person.ts'
import { BEGIN, OWN, type Stage, createStage } from './stage.ts'
import { type StoreFaults, storeFor } from './kept-store.ts'
import { type Life, timersOf } from './time.ts'
import { type Host } from './host.ts'
import { tellOf } from './tell.ts'
import { connectTo } from './wire.ts'

/** How a run has ended, with what happened in it. */
export type Outcome = { difference: string | undefined; log: readonly string[]; steps: number }

/** Time for all that was put off to be tried again, before any host is looked at as a whole. */
const RETRY_MS = 3 * 3_600_000
/** Longest time until what a host that is well has said is taken in. */
const LAG_MS = 180_000
/** A consumer that takes ten times the usual number of steps is going round in circles. */
const STEPS_MAX = 50_000
/** Time for every host to be looked at as a whole. */
const SWEEP_MS = 90 * 3_600_000

/**
 * Lets a consumer live through everything that a seed holds for it, in virtual time, and compares
 * what it shows with what is true: once when all that can be retried was, and once when it has
 * looked at every host. The same seed gives the same run.
 */
export async function simulate(seed: number): Promise<Outcome> {
  const run = new Run(seed)
  return run.all()
}

class Run {
  readonly #stage: Stage
  readonly #store
  readonly #oracle: Oracle
  readonly #followed = new Set<string>()
  readonly #faults: StoreFaults = { fail: 0, calmSince: 0 }
  readonly #random: () => number
  #life: Life = { alive: false }
  #following: Following | undefined
  readonly #begunAll: Following[] = []
  /** those whose following was answered, so that it is stored */
  readonly #stored = new Set<string>()
  #broken: string | undefined
  #callsLeft = 0
  #begun = 0

  constructor(seed: number) {
    this.#stage = createStage(seed)
    this.#random = seeded(seed ^ 0x2545f491)
    this.#store = createStore(this.#stage)
    this.#oracle = createOracle(
      this.#stage,
      this.#store,
      ({ did, places }) => this.#followed.has(did) || places.has(OWN),
    )
  }

  async all(): Promise<Outcome> {
    const { world } = this.#stage
    const release = holdStill(() => world.now)
    try {
      plan(this.#stage, {
        crash: () => this.#crash(),
        crashAtCall: (nth) => {
          this.#callsLeft = nth
        },
        follow: (person) => this.#follow(person),
        cursorOf: ({ origin }) => this.#store.dump().cursors[origin],
        knowsHome: ({ did, host }) =>
          this.#store.dump().accounts.some((one) => one.did === did && one.pds === host.origin),
        faults: this.#faults,
      })
      const [, ...others] = this.#stage.people.toReversed()
      for (const person of this.#stage.relay ? this.#stage.people : others) this.#follow(person)
      this.#begin()
      this.#watchLag()
      await this.#pass(ACTIVE_MS)
      heal(this.#stage)
      this.#faults.fail = 0
      await this.#pass(ACTIVE_MS + RETRY_MS)
      this.#compare({ fair: true })
      await this.#pass(ACTIVE_MS + RETRY_MS + SWEEP_MS)
      this.#compare({ fair: false })
    } finally {
      release()
      this.#life.alive = false
      // Ended lives wait for ever; what holds their signals has to be let go.
      for (const following of this.#begunAll) void following.close()
    }
    const { log } = this.#stage
    return { difference: this.#broken, log, steps: world.steps }
  }

  async #pass(until: number): Promise<void> {
    const { world } = this.#stage
    await world.run(BEGIN + until, STEPS_MAX)
    if (world.steps >= STEPS_MAX) this.#fail('it does not come to rest')
  }

  /** A host that is well is never far behind, whatever others send and whoever cannot be asked. */
  #watchLag(): void {
    const { world, hosts, directory } = this.#stage
    if (world.now >= BEGIN + ACTIVE_MS) return
    const calmSince = Math.max(directory.calmSince, this.#faults.calmSince, this.#begun)
    const from = world.now - LAG_MS
    for (const host of hosts.values()) {
      const isCalm = this.#life.alive && calmSince < from && host.calmSince < from
      const isWanted = host.kept.length > 0 && this.#lives(host)
      if (isCalm && isWanted) void this.#checkLag(host, from)
    }
    world.after(60_000, () => this.#watchLag())
  }

  #lives(host: Host): boolean {
    const isOwn = host.origin === OWN
    return this.#stage.people.some(
      (p) => p.host === host && p.status !== 'deleted' && (isOwn || this.#stored.has(p.did)),
    )
  }

  async #checkLag(host: Host, until: number): Promise<void> {
    // What was lost on the way is only known to be missing by what comes after it.
    const due = host.kept.findLast(({ at }) => at < until && at > host.calmSince)
    const cursor = (await this.#store.cursorOf(host.origin)) ?? -1
    if (due !== undefined && cursor < due.seq) {
      this.#fail(`${host.origin} is well, and its cursor is at ${cursor}, not at ${due.seq}`)
    }
  }

  #compare(how: { fair: boolean }): void {
    const found = this.#oracle.difference(how)
    if (found === undefined) return
    this.#fail(`${how.fair ? 'after every retry' : 'after a look at every host'}: ${found}`)
  }

  #fail(what: string): void {
    this.#stage.note(what)
    this.#broken ??= what
  }

  #crash(): void {
    if (!this.#life.alive) return
    this.#stage.note('the consumer crashes')
    this.#life.alive = false
    for (const host of this.#hosts().values()) for (const open of host.open) open.cut('crashed')
    this.#stage.world.after(this.#random() * 60_000, () => this.#begin())
  }

  #hosts(): Map<string, Host> {
    const { hosts, relay } = this.#stage
    return new Map([...hosts, ...(relay ? [[relay.origin, relay] as const] : [])])
  }

  #begin(): void {
    const life: Life = { alive: true }
    this.#life = life
    this.#begun = this.#stage.world.now
    this.#stage.note('a consumer begins')
    this.#oracle.begins()
    const { world, directory } = this.#stage
    const random = this.#random
    const hosts = this.#hosts()
    const watch = {
      before: this.#guard(this.#oracle.before),
      after: this.#guard(async (...told: Parameters<Oracle['after']>) => {
        const [call, args] = told
        this.#stage.note(tellOf(call, args))
        await this.#oracle.after(...told)
        this.#callsLeft -= 1
        if (this.#callsLeft === 0) this.#crash()
      }),
    }
    this.#following = undefined
    startConsumer({
      stage: this.#stage,
      timers: timersOf(world, life, random),
      api: apiOf(hosts, { world, random, life, stale: this.#oracle.stale }),
      resolver: directory.resolver(life),
      store: storeFor(this.#store, { world, random, life, faults: this.#faults, watch }),
      fatal: (what) => this.#fail(what),
      connect: (options) => {
        const host = hosts.get(originOf(options.url))
        if (host === undefined) throw new Error(`connected to ${options.url.href}`)
        const witness = {
          lost: this.#oracle.lost,
          arrived: (kept: Parameters<Oracle['lost']>[0]) => this.#oracle.arrived(host.origin, kept),
        }
        return connectTo(host, options, { world, random, life, witness })
      },
    }).then(
      (following) => {
        this.#following = following
        this.#begunAll.push(following)
        void this.#followAll(following, life)
      },
      (error: unknown) => {
        // As a node that cannot begin: it ends, and is begun again.
        this.#stage.note(`the consumer cannot begin: ${String(error)}`)
        this.#crash()
      },
    )
  }

  /** Somebody wants an account to be followed; without an answer they will ask again. */
  #follow(person: Person): void {
    if (person.places.has(OWN) || this.#followed.has(person.did)) return
    this.#followed.add(person.did)
    if (this.#following) void this.#followAll(this.#following, this.#life)
  }

  async #followAll(following: Following, life: Life): Promise<void> {
    for (const { did, host } of this.#stage.people) {
      if (!this.#followed.has(did) || this.#stored.has(did)) continue
      for (;;) {
        try {
          await following.follow({ did, pds: host.origin })
          break
        } catch {
          await this.#stage.world.wait(life, 1000)
        }
      }
      this.#stored.add(did)
    }
  }

  /** A violation ends up in the outcome; thrown, the consumer would only try again. */
  #guard<A extends unknown[]>(
    check: (...args: A) => void | Promise<void>,
  ): (...args: A) => Promise<void> {
    return async (...args) => {
      try {
        await check(...args)
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : String(error))
      }
    }
  }
}

function originOf(url: URL): string {
  return `https://${url.host}`
}

/** Real time and real chance are out of reach while a run goes on; gives back how they were. */
function holdStill(now: () => number): () => void {
  const held = { random: Math.random, date: Date.now }
  performance.now = () => 0
  Math.random = () => {
    throw new Error('chance that was not handed in')
  }
  Date.now = now
  return () => {
    // What lies below is the real one again.
    Reflect.deleteProperty(performance, 'now')
    Math.random = held.random
    Date.now = held.date
  }
}
