import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Timers } from '../../src/clock.ts'
import { signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import { silentLog } from '../../src/log.ts'
import {
  type SpaceFollowing,
  type WriteNotice,
  startFollowingSpaces,
} from '../../src/permissioned/follow-spaces.ts'
import { SetHash } from '../../src/permissioned/set-hash.ts'
import { virtualTimers } from '../virtual-timers.ts'
import {
  AUTHORITY,
  MEMBERS,
  NOTE,
  READER,
  SHORT,
  SPACE,
  START,
  makeWorld,
  realOf,
} from './follower.ts'
import { memoryFollowStore } from './memory-follow-store.ts'
import { memorySpaceSink } from './memory-space-sink.ts'
import { Life } from './mortal.ts'
import type { SpaceWorld } from './space-world.ts'

const member = fc.nat(MEMBERS.length - 1)
const write = fc.record({
  path: fc.nat(6).map((n) => `${NOTE}/n${n}`),
  text: fc.option(fc.constantFrom('a', 'b', 'c')),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      member,
      writes: fc.array(write, { minLength: 1, maxLength: 8 }),
      told: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(40_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), after: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('trouble' as const), kind: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tell again' as const), n: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('admit' as const), yes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** One run: a world, what outlives the process, and the process as it lives now. */
async function begin(seed: number) {
  const chance = sequence(seed)
  const virtual = { ...virtualTimers(START), random: chance }
  const { world } = makeWorld(virtual)
  const lies: string[] = []
  const sink = memorySpaceSink((space, did, { collection, rkey, cid }) => {
    const path = `${collection}/${rkey}`
    if (cid !== null && !world.had(space, did, `${path} ${cid}`)) lies.push(path)
  })
  const store = memoryFollowStore()
  await store.follow(SPACE, READER, virtual.now())
  const notices: WriteNotice[] = []
  const live = async () => {
    const life = new Life()
    const { api, ...ports } = world.ports()
    const mortal = { store: life.lend(store), sink: life.lend(sink), api: life.lend(api) }
    const timers: Timers = life.timers(virtual)
    const options = { ...ports, ...mortal, timers, log: silentLog, limits: SHORT }
    return { life, following: await startFollowingSpaces(options) }
  }
  let now: { life: Life; following: SpaceFollowing } = await live()
  const revive = async () => {
    if (now.life.ended) now = await live()
    return now
  }
  return { world, virtual, sink, store, lies, notices, chance, revive }
}

type Run = Awaited<ReturnType<typeof begin>>

async function take(one: Step, run: Run): Promise<void> {
  const { world, virtual, notices } = run
  const { life, following } = await run.revive()
  switch (one.do) {
    case 'write': {
      const notice = world.write(SPACE, MEMBERS[one.member]!, one.writes)
      notices.push(notice)
      // Whoever is told does not wait for it: the process may end meanwhile.
      if (one.told) void following.notified(notice)
      return virtual.settle()
    }
    case 'tell again':
      if (notices.length > 0) void following.notified(notices[one.n % notices.length]!)
      return virtual.settle()
    case 'pass':
      return virtual.pass(one.ms)
    case 'crash':
      life.endAfter(one.after + 1)
      return virtual.pass(2_000)
    case 'trouble':
      return trouble(one.kind, run)
    case 'compact':
      return world.repos.get(`${SPACE} ${MEMBERS[one.member]!}`)?.compact(2)
    case 'move':
      return move(world, MEMBERS[one.member]!)
    case 'leave': {
      world.repos.delete(`${SPACE} ${MEMBERS[one.member]!}`)
      return undefined
    }
    case 'admit':
      return admit(world, one.yes)
    default:
      for (const token of world.credentials) world.revoked.add(token)
      return undefined
  }
}

/** Another host with another key, and a cache of documents that does not know of it. */
function move(world: SpaceWorld, did: string): void {
  const before = world.identity(did)!
  world.stale.set(did, before)
  world.homes.set(did, `${before.pds.replace('.example', '-.example')}`)
  const seed = Buffer.alloc(32, world.homes.get(did)!.length)
  world.signers.set(did, signerFromPrivateKey(seed))
}

function admit(world: SpaceWorld, yes: boolean): void {
  const { members } = world.spaces.get(SPACE)!
  if (yes) members.add(READER)
  else members.delete(READER)
}

/** Hosts that fail now and then, or lie, until there is no trouble (kind 0). */
function trouble(kind: number, { world, chance }: Run): void {
  const often = () => chance() < 0.4
  world.trouble = {}
  if (kind === 1 || kind === 4)
    world.trouble.before = () => {
      if (often()) throw world.unreachable()
    }
  if (kind === 2 || kind === 4)
    world.trouble.ops = (page) => (often() ? { ...page, ops: page.ops.slice(1) } : page)
  if (kind === 3 || kind === 4)
    world.trouble.car = (repo) => (often() ? cut(repo.car(), 4) : repo.car())
}

async function* cut(car: AsyncIterable<Uint8Array>, pieces: number): AsyncGenerator<Uint8Array> {
  let left = pieces
  for await (const piece of car) if (left-- > 0) yield piece
}

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

test('whatever is missed, wherever it crashes, the copy becomes what the repos are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (seed, steps) => {
        const run = await begin(seed)
        for (const one of steps) await take(one, run)
        const { world, virtual, sink, lies } = run
        world.trouble = {}
        world.stale.clear()
        // Access that was lost is found out when a credential ends, at once here.
        for (const token of world.credentials) world.revoked.add(token)
        const last = await run.revive()
        last.life.endAfter(Infinity)
        await virtual.pass(8 * 60_000)
        expect(lies).toEqual([])
        const hasAccess = world.spaces.get(SPACE)!.members.has(READER)
        for (const did of MEMBERS) {
          const state = await sink.stateOf(SPACE, did)
          const real = hasAccess ? realOf(world, SPACE, did) : {}
          expect(sink.shown(SPACE, did)).toEqual(real)
          if (state)
            expect(new SetHash(state.setHash).digest()).toEqual(world.repo(SPACE, did).digest)
        }
        expect(sink.holds(SPACE) && !hasAccess).toBe(false)
        expect(world.identity(AUTHORITY)).toBeDefined()
        await last.following.close()
      },
    ),
    { numRuns: 30, seed: 20261001 },
  )
})
