import fc from 'fast-check'
import type { CommitEvent, FirehoseEvent, RecordWrite } from '../src/firehose/event.ts'
import type { ListedRepo, SyncStore } from '../src/firehose/store.ts'
import { rev, writeOf } from './record.ts'

/** A call of a store, and what is compared of its answer. */
export type StoreCall = {
  name: string
  call: (store: SyncStore, world: CallWorld) => Promise<unknown>
}

/** What calls know of earlier ones: the time, and what is being fetched. */
export type CallWorld = { now: Date; claimed: Set<string> }

const people = ['did:plc:ada', 'did:plc:ben', 'did:plc:eve', 'did:plc:Zoe']
const hosts = ['https://a.example', 'https://b.example', 'https://relay.example']
const COMMITS = 6
const TIME = '2026-11-23T10:00:00Z'

/** Mostly one of them, so that much happens to the same. */
const aDid = fc.constantFrom(...people, people[0]!, people[0]!, people[0]!)
const aHost = fc.constantFrom(...hosts)
const aCommit = fc.nat(COMMITS - 1)
const someDids = fc.uniqueArray(aDid, { maxLength: 3 })

/** A few records for each account, good and bad ones, in more than one collection. */
async function writesOf(did: string): Promise<RecordWrite[][]> {
  const write = async (collection: string, rkey: string, record: object, n: number) => {
    const { cid, bytes } = await writeOf({ collection, did, rkey, rev: rev(n + 2), record })
    return { action: 'update' as const, did, collection, rkey, cid, bytes }
  }
  const gone = (collection: string, rkey: string): RecordWrite => {
    return { action: 'delete', did, collection, rkey, cid: null, bytes: null }
  }
  const profile = 'co.kendev.actor.profile'
  const membership = 'co.kendev.spaces.membership'
  const request = 'co.kendev.spaces.membershipRequest'
  const [first, second] = people.filter((other) => other !== did) as [string, string]
  const admit = (subject: string, rkey: string, n: number) =>
    write(membership, rkey, { subject, role: 'member', joinedAt: TIME }, n)
  return [
    [await write(profile, 'self', { displayName: 'A' }, 0), await admit(first, first, 0)],
    [await write(profile, 'self', { displayName: 'B' }, 1), await admit(second, first, 1)],
    [await write(request, first, { space: first, createdAt: TIME }, 2)],
    [gone(membership, first), gone(profile, 'self')],
    [await admit(first, first, 4), await write(profile, 'other', { displayName: 'C' }, 4)],
    [await write('co.kendev.nobody.knows', 'a', { text: 'a' }, 5), gone(request, first)],
  ]
}

const written = new Map(
  await Promise.all(people.map(async (did) => [did, await writesOf(did)] as const)),
)

/** The n-th commit of an account's repo. */
function commitOf(did: string, n: number): CommitEvent {
  const [since, prevData] = n === 0 ? [null, null] : [rev(n + 1), `d${n - 1}`]
  const at = { rev: rev(n + 2), data: `d${n}`, since, prevData }
  return { kind: 'commit', seq: n, did, time: TIME, ...at, writes: written.get(did)![n]! }
}

const frame = new Uint8Array([1, 2, 3])
const anEvent: fc.Arbitrary<FirehoseEvent> = fc.oneof(
  { arbitrary: fc.tuple(aDid, aCommit).map(([did, n]) => commitOf(did, n)), weight: 10 },
  fc.tuple(aDid, aCommit).map(([did, n]) => {
    const at = { rev: rev(n + 2), data: `d${n}` }
    return { kind: 'sync', seq: n, did, time: TIME, ...at } as const
  }),
  fc.tuple(aDid, fc.constantFrom('active', 'deactivated', 'deleted')).map(([did, status]) => {
    const told = status === 'active' ? { active: true } : { active: false, status }
    return { kind: 'account', seq: 1, did, time: TIME, ...told } as const
  }),
  fc.tuple(aDid, aHost, fc.boolean()).map(([did, pds, named]) => {
    const handle = named ? { handle: `${did.slice(8).toLowerCase()}.example` } : {}
    return { kind: 'identity', seq: 1, did, pds, time: TIME, ...handle } as const
  }),
  fc.tuple(fc.constantFrom('', ...people), fc.boolean(), aCommit).map(([did, moved, seq]) => {
    const why = { reason: 'BadTree', detail: 'a \0 and half a \ud800', frame }
    return { kind: 'refused', seq, did, moved, time: TIME, ...why } as const
  }),
  aDid.map((did) => ({ kind: 'lost', seq: 1, did, reason: 'QueueFull', time: TIME }) as const),
)
const someEvents = fc.array(anEvent, { maxLength: 8 })

const apply = fc.tuple(aHost, someEvents, fc.option(fc.nat(999), { nil: undefined })).map((of) => {
  const [host, events, cursor] = of
  const batch = { host, events, ...(cursor !== undefined && { cursor }) }
  return { name: 'apply', call: (store) => store.apply(batch) } satisfies StoreCall
})

/** Commits one after another, as they nearly always come, and mostly from the first on. */
const run = fc
  .tuple(aHost, aDid, fc.oneof(fc.constant(0), fc.constant(0), aCommit), aCommit)
  .map(([host, did, from, length]) => {
    const numbers = Array.from({ length: Math.min(length + 1, COMMITS - from) }, (_, n) => from + n)
    const events = numbers.map((n) => commitOf(did, n))
    return { name: 'run', call: (store) => store.apply({ host, events }) } satisfies StoreCall
  })

/** An account that goes, or comes back. */
const status = fc
  .tuple(aHost, aDid, fc.constantFrom('active', 'active', 'deactivated', 'deactivated', 'deleted'))
  .map(([host, did, told]) => {
    const of = told === 'active' ? { active: true } : { active: false, status: told }
    const event = { kind: 'account', seq: 1, did, time: TIME, ...of } as const
    return {
      name: told,
      call: (store) => store.apply({ host, events: [event] }),
    } satisfies StoreCall
  })

const claim = fc
  .tuple(fc.nat(3), fc.uniqueArray(aHost), someDids)
  .map(([limit, exceptPds, exceptDids]) => ({
    name: 'claim',
    call: async (store: SyncStore, { now, claimed }: CallWorld) => {
      const claims = await store.claim({ limit, now, exceptPds, exceptDids })
      for (const { did } of claims) claimed.add(did)
      return claims
    },
  }))

/** Calls about a repo that is being fetched, or was. */
const fetched = (
  name: string,
  of: fc.Arbitrary<(store: SyncStore, did: string, now: Date) => Promise<unknown>>,
) =>
  fc.tuple(fc.nat(), of).map(([at, call]) => ({
    name,
    call: async (store: SyncStore, { claimed, now }: CallWorld) => {
      const dids = [...claimed].toSorted()
      const did = dids[at % dids.length]
      return did === undefined ? undefined : call(store, did, now)
    },
  }))

const page = fetched(
  'resyncPage',
  fc.tuple(aCommit, aCommit).map(
    ([n, of]) =>
      (store, did) =>
        store.resyncPage(did, rev(n + 2), written.get(did)![of]!),
  ),
)
const done = fetched(
  'resyncDone',
  fc
    .tuple(
      aCommit,
      aHost,
      fc.constantFrom('active', 'active', 'takendown', 'deleted'),
      fc.array(aCommit, { maxLength: 3 }),
    )
    .map(([n, pds, upstream, later]) => (store, did) => {
      const queued = later.map((each) => commitOf(did, each))
      return store.resyncDone(did, { rev: rev(n + 2), data: `d${n}`, pds, upstream, queued })
    }),
)
const failed = fetched(
  'resyncFailed',
  fc
    .tuple(fc.nat(100), fc.constantFrom(undefined, 'deactivated', 'deleted'))
    .map(([seconds, upstream]) => (store, did, now) => {
      const retryAt = new Date(now.getTime() + seconds * 1000)
      return store.resyncFailed(did, {
        reason: 'Unreachable',
        retryAt,
        ...(upstream && { upstream }),
      })
    }),
)
const unclaim = fetched(
  'unclaim',
  fc.option(aHost).map((pds) => (store, did) => store.unclaim(did, pds)),
)

const listed: fc.Arbitrary<ListedRepo> = fc
  .tuple(aDid, fc.constantFrom('', 'deactivated', 'deleted'))
  .map(([did, status]) => ({ did, rev: rev(5), active: status === '', ...(status && { status }) }))
const listing = fc.record({ cursor: fc.option(fc.constant('next')), done: fc.boolean() })
const others = fc.oneof(
  fc.tuple(aHost, fc.array(listed, { maxLength: 4 }), listing).map(([host, repos, progress]) => ({
    name: 'noteRepos',
    call: (store: SyncStore) => store.noteRepos(host, repos, progress),
  })),
  fc.tuple(aDid, aHost, fc.boolean()).map(([did, pds, named]) => ({
    name: 'follow',
    call: (store: SyncStore) => store.follow({ did, pds, ...(named && { handle: 'a.example' }) }),
  })),
  fc
    .record({
      host: aHost,
      kind: fc.constantFrom('pds', 'relay'),
      namedBy: fc.constantFrom('config', 'admin'),
      whole: fc.boolean(),
      banned: fc.option(fc.constant('garbage')),
      listing,
    })
    .map((row) => ({ name: 'saveHost', call: (store: SyncStore) => store.saveHost(row) })),
  someDids.map((dids) => ({
    name: 'desynchronize',
    call: (store: SyncStore) => store.desynchronize(dids, 'Behind'),
  })),
  someDids.map((dids) => ({ name: 'recover', call: (store: SyncStore) => store.recover(dids) })),
  aHost.map((host) => ({
    name: 'resetCursor',
    call: (store: SyncStore) => store.resetCursor(host),
  })),
  fc.tuple(aDid, fc.constantFrom('', 'co.kendev.spaces.membership'), fc.nat(3)).map((of) => ({
    name: 'held',
    call: (store: SyncStore) => store.held(...of),
  })),
  fc.tuple(aHost, fc.constantFrom('', 'did:plc:ben'), fc.nat(3)).map((of) => ({
    name: 'accountsAt',
    call: (store: SyncStore) => store.accountsAt(...of),
  })),
  fc.tuple(fc.constantFrom('', 'did:plc:ben'), fc.nat(3)).map((of) => ({
    name: 'strangers',
    call: (store: SyncStore) => store.strangers(...of),
  })),
  fc.constant({ name: 'followed', call: (store: SyncStore) => store.followed() }),
)
const passing = fc.nat(60).map((seconds) => ({
  name: 'time passes',
  call: async (_: SyncStore, world: CallWorld) => {
    world.now = new Date(world.now.getTime() + seconds * 1000)
  },
}))

/** Calls as they may follow one another, of every kind there is. */
export const storeCalls: fc.Arbitrary<StoreCall[]> = fc.array(
  fc.oneof(
    { arbitrary: run, weight: 4 },
    { arbitrary: apply, weight: 4 },
    { arbitrary: status, weight: 4 },
    { arbitrary: claim, weight: 3 },
    { arbitrary: fc.oneof(page, done, done, failed, unclaim), weight: 5 },
    { arbitrary: others, weight: 4 },
    { arbitrary: passing, weight: 1 },
  ),
  { minLength: 4, maxLength: 20, size: 'max' },
)
