import { between } from '../fast/random.ts'
import { changeStatus, leaveFor, migrate, rotateKey } from './acts.ts'
import { startAnew, tellIdentity, write } from './acts.ts'
import { damaged, forgery, fork, ghost, nonsense } from './false-frames.ts'
import { HONEST, type Host } from './host.ts'
import type { Person } from './person.ts'
import type { StoreFaults } from './kept-store.ts'
import { type Stage, pick } from './stage.ts'
import { type Kept, PERFECT, type WireFaults } from './wire.ts'

/** How long things happen, in ms. */
export const ACTIVE_MS = 40 * 60_000

/** What else a scenario can do: end the consumer, and begin one again later. */
export type Puppeteer = {
  crash: () => void
  /** The consumer ends between the effect of its nth next call of the store and the answer. */
  crashAtCall: (nth: number) => void
  follow: (person: Person) => void
  /** the number up to which the consumer has stored what a host said */
  cursorOf: (host: Host) => number | undefined
  /** whether the consumer knows where an account lives */
  knowsHome: (person: Person) => boolean
  faults: StoreFaults
}

type Act = (stage: Stage, puppeteer: Puppeteer) => void

/** Troubles, and how often each is drawn beside the others. */
const TROUBLES: readonly (readonly [weight: number, Act])[] = [
  [4, (_stage, { crash }) => crash()],
  [4, (stage, { crashAtCall }) => crashAtCall(between(stage.random, 1, 8))],
  [6, burst],
  [4, (stage) => damaged(stage, somebody(stage))],
  [6, (stage) => forgery(stage, somebody(stage))],
  [2, (stage) => fork(stage, somebody(stage))],
  [3, leave],
  [1, worsen],
  [1, returnUnjudged],
  [2, (stage) => migrate(stage, somebody(stage), drawHost(stage))],
  [2, (stage) => leaveFor(stage, somebody(stage), drawHost(stage))],
  [3, (stage) => rotateKey(stage, somebody(stage), { quiet: stage.random() < 0.4 })],
  [
    2,
    (stage, { knowsHome }) => {
      const person = somebody(stage)
      if (knowsHome(person) && stage.directory.behindMs === 0) ghost(stage, person)
    },
  ],
  [1, (stage) => startAnew(stage, somebody(stage))],
  [1, (stage) => tellIdentity(stage, somebody(stage))],
  [3, (stage) => drawHost(stage).cutAll()],
  [1, (stage) => babble(stage, drawHost(stage))],
  [1, flood],
  [2, forgetful],
  [1, restored],
  [3, badWire],
  [4, badApi],
  [2, downHost],
  [2, (stage) => badDirectory(stage)],
  [3, badStore],
]

/** Plans everything that happens in a run, at moments drawn by its seed. */
export function plan(stage: Stage, puppeteer: Puppeteer): void {
  const { world, random } = stage
  const at = (act: () => void): void => world.after(random() * ACTIVE_MS, act)
  const writes = between(random, 100, 130)
  // Half the time one account is quiet: nobody hears of it unless they ask.
  const writers = stage.people.slice(between(random, 0, 1))
  for (let n = 0; n < writes; n += 1) at(() => writeUnlessAtRest(stage, pick(random, writers)))
  // Some seeds are quiet in all but a few things, so that these are seen alone.
  const kinds = random() < 0.5 ? TROUBLES : TROUBLES.filter(() => random() < 0.3)
  const all = kinds.flatMap(([weight, act]) => Array.from({ length: weight }, () => act))
  const troubles = all.length === 0 ? 0 : between(random, 10, 40)
  for (let n = 0; n < troubles; n += 1) {
    const act = pick(random, all)
    at(() => act(stage, puppeteer))
  }
  if (random() < 0.3) at(() => puppeteer.follow(somebody(stage)))
}

/** Ends all troubles that last; those that have gone are done good as their host must. */
export function heal(stage: Stage): void {
  const { hosts, relay, directory, people } = stage
  stage.note('all troubles end')
  for (const host of [...hosts.values(), ...(relay ? [relay] : [])]) {
    Object.assign(host, { wire: PERFECT, api: HONEST, down: false })
  }
  Object.assign(directory, { dead: false, slow: false, behindMs: 0 })
  for (const person of people) if (person.owesCommit) write(stage, person)
}

function somebody({ random, people }: Stage): Person {
  return pick(random, people)
}

function drawHost({ random, hosts }: Stage): Host {
  return pick(random, [...hosts.values()])
}

function writeUnlessAtRest(stage: Stage, person: Person): void {
  if (!person.rests) write(stage, person)
}

/** An account goes away, for a while or for ever. */
function leave(stage: Stage): void {
  const { random, world } = stage
  const person = somebody(stage)
  changeStatus(stage, person, pick(random, ['deactivated', 'takendown', 'suspended', 'deleted']))
  if (random() < 0.3) return
  person.rests ||= random() < 0.5
  const next = random() < 0.8 ? 'active' : 'deleted'
  world.after(between(random, 1, 600) * 1000, () => changeStatus(stage, person, next))
}

/** An account is away, and then without a word in another way, or for ever. */
function worsen(stage: Stage): void {
  const { random, world } = stage
  const person = somebody(stage)
  changeStatus(stage, person, pick(random, ['takendown', 'suspended']))
  person.rests = true
  const next = pick(random, ['deleted', 'deactivated'])
  world.after(between(random, 5, 300) * 1000, () => changeStatus(stage, person, next, 1))
}

/** An account comes back just when nobody can say who it is, and is quiet afterwards. */
function returnUnjudged(stage: Stage): void {
  const { random, world } = stage
  const person = somebody(stage)
  changeStatus(stage, person, 'deactivated')
  person.rests = true
  world.after(between(random, 5, 60) * 1000, () => {
    badDirectory(stage, 'dead', 400_000)
    changeStatus(stage, person, 'active')
  })
}

/** For a while frames are lost, doubled, swapped, replayed or followed by noise. */
function badWire(stage: Stage): void {
  const host = pick(stage.random, [...stage.hosts.values(), ...(stage.relay ? [stage.relay] : [])])
  const names = Object.keys(PERFECT) as (keyof WireFaults)[]
  const kind = pick(stage.random, names)
  stage.note(`${host.origin}: ${kind} on the wire`)
  host.wire = { ...PERFECT, [kind]: 0.3 }
  const ms = between(stage.random, 30, 600) * 1000
  disturb(host, stage, ms)
  stage.world.after(ms, () => {
    host.wire = PERFECT
  })
}

/** For a while requests fail, are slow, or get old or incomplete answers. */
function badApi(stage: Stage): void {
  const host = drawHost(stage)
  const kind = pick(stage.random, Object.keys(HONEST))
  stage.note(`${host.origin}: ${kind} answers`)
  host.api = { ...HONEST, [kind]: 0.8 }
  stage.world.after(between(stage.random, 30, 900) * 1000, () => {
    host.api = HONEST
  })
}

function downHost(stage: Stage): void {
  const host = drawHost(stage)
  stage.note(`${host.origin} is down`)
  host.down = true
  host.cutAll()
  const ms = between(stage.random, 5, 600) * 1000
  disturb(host, stage, ms)
  stage.world.after(ms, () => {
    host.down = false
  })
}

/** The host's replay window ends just now, while the consumer may be away. */
function forgetful(stage: Stage): void {
  const host = drawHost(stage)
  stage.note(`${host.origin} forgets what it has said`)
  host.cutAll()
  host.down = true
  disturb(host, stage, 120_000)
  const here = stage.people.filter((person) => person.host === host)
  for (const person of here.slice(0, 3)) {
    stage.world.after(between(stage.random, 10, 110) * 1000, () => void write(stage, person))
    person.rests ||= stage.random() < 0.5
  }
  stage.world.after(120_000, () => {
    host.forget(1)
    host.down = false
  })
}

/** The host is put back to a backup: its repos and its numbers are old ones again. */
function restored(stage: Stage, { cursorOf }: Puppeteer): void {
  const host = drawHost(stage)
  const count = stage.random() < 0.5
  stage.note(`${host.origin} is restored from a backup${count ? ' and counts anew' : ''}`)
  for (const person of stage.people) {
    const served = host.served.get(person.did)
    const old = served?.past.at(-2)
    if (person.host !== host || served === undefined || old === undefined) continue
    person.state = old
    served.state = old
    person.owesCommit = true
  }
  disturb(host, stage, 0)
  if (!count) return
  const next = Math.floor(host.seq / 2)
  const cursor = cursorOf(host) ?? next
  // A cursor that the host has not come to yet again would show that it counts anew.
  const unread = cursor <= next ? host.kept.filter(({ seq }) => seq > cursor) : []
  for (const kept of unread) unheard(stage, host, kept)
  host.countFrom(next)
}

/** What a host has said is gone, and neither its list nor its numbers show that it ever was. */
function unheard({ people }: Stage, host: Host, { did, status }: Kept): void {
  const person = people.find((one) => one.did === did)
  if (person === undefined) return
  if (person.host !== host) person.murky = true
  else if (status !== undefined) person.hiddenStatus = true
  else person.hidden = true
}

function badDirectory(
  stage: Stage,
  kind = pick(stage.random, ['dead', 'slow', 'behind']),
  ms = between(stage.random, 5, 300) * 1000,
): void {
  const { directory, random, world } = stage
  stage.note(`the directory is ${kind}`)
  if (kind === 'behind') {
    directory.behindMs = between(random, 10, 200) * 1000
    const outdated = new Set(directory.outdated(directory.behindMs))
    for (const person of stage.people) person.murky ||= outdated.has(person.did)
  } else Object.assign(directory, { [kind]: true })
  disturb(directory, stage, ms)
  world.after(ms, () => {
    Object.assign(directory, { dead: false, slow: false, behindMs: 0 })
  })
}

/** For a while calls of the store throw, with their effect or without. */
function badStore(stage: Stage, { faults }: Puppeteer): void {
  stage.note('the store fails at times')
  faults.fail = 0.3
  const ms = between(stage.random, 5, 120) * 1000
  disturb(faults, stage, ms)
  // Repos have to be fetched just then.
  for (let n = 0; n < 3; n += 1) {
    const person = somebody(stage)
    stage.world.after(stage.random() * ms, () => damaged(stage, person))
    person.rests ||= stage.random() < 0.5
  }
  stage.world.after(ms, () => {
    faults.fail = 0
  })
}

/** A host says a lot that is no message, and then goes on as if nothing had been. */
function flood(stage: Stage): void {
  const host = drawHost(stage)
  stage.note(`${host.origin} floods`)
  // It is left alone for a minute, then for four, and longer.
  disturb(host, stage, 1800_000)
  for (let n = 0; n < 30; n += 1) babble(stage, host)
}

function babble(stage: Stage, host: Host): void {
  host.emitRaw(nonsense(stage, host))
}

/** An account has to be fetched, and goes on writing while it is; at times the consumer ends. */
function burst(stage: Stage, { crashAtCall }: Puppeteer): void {
  const { random, world } = stage
  const person = somebody(stage)
  if (random() < 0.5) startAnew(stage, person)
  else damaged(stage, person)
  const writes = between(random, 0, 6)
  for (let n = 0; n < writes; n += 1) {
    world.after(between(random, 20, 1500), () => void write(stage, person))
  }
  person.rests ||= random() < 0.5
  if (random() < 0.3) crashAtCall(between(random, 1, 12))
}

/** Something is wrong with it for `ms` from now on. */
function disturb(one: { calmSince: number }, { world }: Stage, ms: number): void {
  one.calmSince = Math.max(one.calmSince, world.now + ms)
}
