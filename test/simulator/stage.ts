import { between, seeded } from '../fast/random.ts'
import { Directory } from './directory.ts'
import { Host } from './host.ts'
import { Person } from './person.ts'
import { type World, createWorld } from './time.ts'

/** Everything outside the consumer: hosts, accounts, the directory, and what has happened. */
export type Stage = {
  seed: number
  world: World
  random: () => number
  /** by origin; the first is the consumer's own PDS */
  hosts: Map<string, Host>
  relay: Host | undefined
  directory: Directory
  people: Person[]
  /** CIDs of blocks that are no record */
  poison: Set<string>
  log: string[]
  note(text: string): void
}

/** When every run begins, in ms since 1970. */
export const BEGIN = Date.UTC(2026, 5, 1)

export const OWN = 'https://own.test'
export const RELAY = 'https://relay.test'

/** Sets the stage of a seed: hosts, accounts that live there, each with its first commit. */
export function createStage(seed: number): Stage {
  const world = createWorld(BEGIN)
  // Neighbouring seeds begin with like numbers unless they are taken apart.
  const random = seeded(Math.imul(seed, 0x9e3779b1))
  const hosts = new Map<string, Host>()
  for (const origin of [OWN, 'https://b.test', 'https://c.test']) {
    hosts.set(origin, new Host(origin, world, between(random, 0, 1) * 5000))
  }
  const relay = random() < 0.3 ? new Host(RELAY, world, 70_000) : undefined
  const log: string[] = []
  const stage: Stage = {
    seed,
    world,
    random,
    hosts,
    relay,
    directory: new Directory(world, seeded(seed ^ 0x5bd1e995)),
    people: [],
    poison: new Set(),
    log,
    note: (text) => void log.push(`${((world.now - BEGIN) / 1000).toFixed(3)} ${text}`),
  }
  if (relay !== undefined) feedRelay(stage, relay)
  const origins = [...hosts.keys()]
  const count = between(random, 8, 12)
  for (let n = 0; n < count; n += 1) addPerson(stage, hosts.get(origins[n % 3]!)!)
  return stage
}

/** A new account at a host. */
export function addPerson(stage: Stage, host: Host): Person {
  const { people, world, poison, random } = stage
  const did = `did:web:p${people.length}.test`
  // A host may keep one key for several accounts.
  const key = random() < 0.2 ? (people.at(-1)?.key ?? 0) : between(random, 0, 63)
  const micros = world.now * 1000 - 3_600_000_000
  const person = new Person({ did, host, key, micros, poison })
  people.push(person)
  enter(stage, person)
  const served = host.served.get(did)
  if (served !== undefined) stage.relay?.served.set(did, served)
  return person
}

/** Writes into the directory where an account lives and which key it has. */
export function enter({ directory }: Stage, person: Person): void {
  const { did, host, signer } = person
  // While the directory cannot say so, nobody can know.
  person.murky ||= directory.behindMs > 0 || directory.dead
  const handle = did.slice('did:web:'.length)
  directory.set(did, { key: signer.didKey, pds: host.origin, handle })
}

/** One of a list. */
export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!
}

/** A relay says again under its own numbers what an account's own host says. */
function feedRelay({ hosts, directory }: Stage, relay: Host): void {
  for (const host of hosts.values()) {
    host.onMessage = (message, about) => {
      const { did } = about
      if (did === undefined || directory.get(did)?.pds !== host.origin) return
      const served = host.served.get(did)
      if (served !== undefined) relay.served.set(did, served)
      relay.emit(message, about)
    }
  }
}
