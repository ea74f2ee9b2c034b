import { silentLog } from '../../src/log.ts'
import type { FollowStore } from '../../src/permissioned/follow-store.ts'
import { type SpaceFollowing, startFollowingSpaces } from '../../src/permissioned/follow-spaces.ts'
import type { SyncLimits } from '../../src/permissioned/sync-limits.ts'
import { type VirtualTimers, virtualTimers } from '../virtual-timers.ts'
import { memoryFollowStore } from './memory-follow-store.ts'
import { type MemorySink, memorySpaceSink } from './memory-space-sink.ts'
import { SpaceWorld } from './space-world.ts'

export const START = new Date('2026-10-10T10:00:00Z')
export const AUTHORITY = 'did:plc:authority'
export const READER = 'did:plc:reader'
export const SPACE = `at://${AUTHORITY}/space/com.example.group/main`
export const MEMBERS = ['did:plc:anna', 'did:plc:ben', 'did:plc:cem', 'did:plc:dora']
export const NOTE = 'com.example.note'

/** Waiting times short enough to pass many of. */
export const SHORT: Partial<SyncLimits> = {
  startMs: 1_000,
  lookMs: 5_000,
  checkEveryMs: 60_000,
  sweepEveryMs: 120_000,
  askAgainMs: 120_000,
  retry: { firstMs: 1_000, maxMs: 20_000 },
  rest: { firstMs: 1_000, maxMs: 20_000 },
  page: 2,
}

/** A world with one space of an authority elsewhere, and a consumer that follows it. */
export type Stage = {
  timers: VirtualTimers
  world: SpaceWorld
  store: FollowStore
  sink: MemorySink
  following: SpaceFollowing
  /** What is shown of a member's repo, and what is there. */
  both: (
    did: string,
    space?: string,
  ) => { shown: Record<string, string>; real: Record<string, string> }
}

/** Every record that a memory sink is given must have been in the repo at some time. */
export function trueOnly(world: SpaceWorld): MemorySink {
  return memorySpaceSink((space, did, { collection, rkey, cid }) => {
    if (cid === null || world.had(space, did, `${collection}/${rkey} ${cid}`)) return
    throw new Error(`${did} has never had ${collection}/${rkey} ${cid}`)
  })
}

/** The members live at hosts of their own, one each. */
export function makeWorld(timers = virtualTimers(START)) {
  const world = new SpaceWorld(timers)
  world.account(AUTHORITY, 'https://authority.example.com')
  world.account(READER, 'https://here.example.com')
  for (const did of MEMBERS) world.account(did, `https://${did.slice(8)}.example.com`)
  world.hosted.add(READER)
  world.grants.add(`${SPACE} ${READER}`)
  world.space(SPACE, AUTHORITY).members.add(READER)
  return { world, timers }
}

/** Begins to follow, with what the world has by then. */
export async function stage(
  prepare: (world: SpaceWorld) => void = () => undefined,
  limits: Partial<SyncLimits> = {},
): Promise<Stage> {
  const { world, timers } = makeWorld()
  prepare(world)
  const [store, sink] = [memoryFollowStore(), trueOnly(world)]
  await store.follow(SPACE, READER, timers.now())
  const ports = { ...world.ports(), store, sink, timers, log: silentLog }
  const following = await startFollowingSpaces({ ...ports, limits: { ...SHORT, ...limits } })
  return {
    timers,
    world,
    store,
    sink,
    following,
    both: (did, space = SPACE) => ({
      shown: sink.shown(space, did),
      real: realOf(world, space, did),
    }),
  }
}

/** Path to CID of all that is in a repo. */
export function realOf(world: SpaceWorld, space: string, did: string): Record<string, string> {
  return Object.fromEntries(
    [...(world.repos.get(`${space} ${did}`)?.records ?? [])].map(([path, r]) => [path, r.cid]),
  )
}

/** So many notes, `note0` and on. */
export function notes(count: number, text = 'hello') {
  return Array.from({ length: count }, (_, n) => ({ path: `${NOTE}/note${n}`, text }))
}
