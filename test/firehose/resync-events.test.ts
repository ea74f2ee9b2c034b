import { expect, test } from 'vitest'
import type { CommitEvent } from '../../src/firehose/event.ts'
import { type MemoryStore } from '../../src/firehose/memory-store.ts'
import type { SyncStore } from '../../src/firehose/store.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { FakeRepo } from './fake-repo.ts'
import { PDS, fetching, keysOf, notes, shown } from './fetching.ts'

const did = 'did:plc:ada'
const NEW_PDS = 'https://new.example.org'

/** Commits some notes, and tells it as the event that its frame would become. */
async function written(repo: FakeRepo, writes: ReturnType<typeof notes>): Promise<CommitEvent> {
  const prevData = repo.data
  const { since, ops } = await repo.commit(writes)
  const told = ops.map(({ path, cid }, n) => {
    const { action, collection, rkey } = writes[n]!
    expect(path).toBe(`${collection}/${rkey}`)
    const bytes = cid && new Uint8Array(100)
    return { action, did, collection, rkey, cid: cid && cid.$link, bytes }
  })
  const at = { did, rev: repo.rev, since, data: repo.data, prevData }
  return { kind: 'commit', seq: 1, time: '', ...at, writes: told.filter(isNote) }
}

const isNote = ({ collection }: { collection: string }) => collection.startsWith('co.kendev.')

/** A repo that is being fetched while the test holds up the answer of its PDS. */
async function held(options?: Parameters<typeof fetching>[0]) {
  const world = fetching(options)
  const repo = await FakeRepo.create(did, notes(0, 9))
  let answer = Promise.withResolvers<void>()
  world.serve(repo, {
    repo: async () => {
      const car = await repo.whole()
      await answer.promise
      return car
    },
  })
  await world.store.follow({ did, pds: PDS })
  const worker = world.start()
  await world.timers.settle()
  const release = async () => {
    answer.resolve()
    answer = Promise.withResolvers()
    await world.timers.settle()
  }
  const tell = async (...events: CommitEvent[]) => {
    const { queued, desynchronized } = await world.store.apply({ host: PDS, events })
    worker.queue(queued)
    if (desynchronized.length > 0) worker.wake()
    await world.timers.settle()
  }
  const row = () => world.store.dump().accounts.find((a) => a.did === did)!
  return { ...world, repo, worker, release, tell, row }
}

test('what happens to a repo while it is fetched is applied when it is whole', async () => {
  const { repo, tell, release, store, row, asked } = await held()
  await tell(await written(repo, notes(9, 12)), await written(repo, notes(12, 15)))
  expect(shown(store, did)).toEqual([])
  await release()
  expect(shown(store, did)).toEqual(keysOf(notes(0, 15)))
  expect(row()).toMatchObject({ state: 'synchronized', rev: repo.rev })
  expect(asked).toHaveLength(1)
})

test('a repo that more happens to than can be kept is fetched again at once', async () => {
  const { repo, tell, release, store, row, asked, worker } = await held({ limits: { queued: 3 } })
  for (let n = 9; n < 30; n += 3) await tell(await written(repo, notes(n, n + 3)))
  expect(worker.state().queued).toBe(0)
  await release()
  expect(asked).toHaveLength(2)
  await release()
  expect(row()).toMatchObject({ state: 'synchronized', rev: repo.rev })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 30)))
})

test('a fetch that ends before an event for it has come back is done again', async () => {
  const { repo, release, store, row, worker, timers, asked } = await held()
  const event = await written(repo, notes(9, 12))
  const { queued } = await store.apply({ host: PDS, events: [event] })
  expect(queued).toHaveLength(1)
  await release()
  expect(shown(store, did)).toEqual(keysOf(notes(0, 9)))
  expect(row().state).not.toBe('synchronized')
  worker.queue(queued)
  await timers.settle()
  expect(asked).toHaveLength(2)
  await release()
  expect(row()).toMatchObject({ state: 'synchronized', rev: repo.rev })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 12)))
})

test('a repo that was lost sight of while it was fetched is fetched again', async () => {
  const { repo, tell, release, store, row, asked, worker } = await held()
  await repo.commit(notes(9, 12))
  await store.desynchronize([did], 'BadTree')
  worker.wake()
  await tell()
  await release()
  await release()
  expect(asked).toHaveLength(2)
  expect(row()).toMatchObject({ state: 'synchronized', rev: repo.rev })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 12)))
})

test('a repo that is due again while it is fetched is not fetched twice at once', async () => {
  const { release, store, row, asked, worker, timers } = await held()
  await store.desynchronize([did], 'BadTree')
  worker.wake()
  await timers.settle()
  expect(asked).toHaveLength(1)
  await release()
  await release()
  expect(asked).toHaveLength(2)
  expect(row().state).toBe('synchronized')
})

test('an account that has moved is fetched where it lives now', async () => {
  const { repo, release, store, row, repos, worker, timers } = await held()
  await release()
  await repo.commit(notes(9, 12))
  repos.set(did, { repo, pds: NEW_PDS, served: { status: { active: true } } })
  const time = ''
  const moved = { kind: 'identity', seq: 2, did, pds: NEW_PDS, time } as const
  await store.apply({ host: NEW_PDS, events: [moved] })
  worker.wake()
  await timers.settle()
  expect(row()).toMatchObject({ state: 'synchronized', pds: NEW_PDS, rev: repo.rev })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 12)))
})

/** The store, each call of which fails now and then: before its effect, or after it. */
function failing(memory: MemoryStore): SyncStore {
  let calls = 0
  const call =
    (name: keyof SyncStore) =>
    async (...args: unknown[]) => {
      calls += 1
      if (calls % 5 === 0) throw new Error('storage is away')
      const answer = await (memory[name] as (...given: unknown[]) => Promise<unknown>)(...args)
      if (calls % 7 === 0) throw new Error('storage went away')
      return answer
    }
  return new Proxy(memory, { get: (_, name) => call(name as keyof SyncStore) })
}

test('repos are fetched although storage fails now and then', async () => {
  const { serve, store, start, timers } = fetching({ store: failing })
  const dids = Array.from({ length: 12 }, (_, n) => `did:plc:person${n}`)
  for (const each of dids) {
    serve(await FakeRepo.create(each, notes(0, 6)))
    await store.follow({ did: each, pds: PDS })
  }
  start()
  await timers.pass(3_600_000)
  for (const each of dids) expect(shown(store, each)).toEqual(keysOf(notes(0, 6)))
  expect(store.dump().accounts.map(({ state }) => state)).toEqual(dids.map(() => 'synchronized'))
})

test('a fetch that is broken off is begun anew after the next start', async () => {
  const { serve, repos, store, start, timers, worker, repo, row } = await held()
  await worker.close()
  expect(row().state).toBe('in-progress')
  await store.recover()
  serve(repo)
  expect(repos.size).toBe(1)
  start()
  await timers.settle()
  expect(shown(store, did)).toEqual(keysOf(notes(0, 9)))
})

test('one account that its PDS cannot serve does not keep it from being asked for long', async () => {
  const { serve, store, start, timers } = fetching()
  const broken = await FakeRepo.create('did:plc:broken')
  serve(broken, { repo: () => Promise.reject(new OutboundError('Unreachable', 'status 500')) })
  await store.follow({ did: broken.did, pds: PDS })
  const worker = start()
  await timers.settle()
  expect(worker.state().resting).toEqual([PDS])
  const repo = await FakeRepo.create(did, notes(0, 6))
  serve(repo)
  await store.follow({ did, pds: PDS })
  await timers.pass(30_000)
  expect(shown(store, did)).toEqual(keysOf(notes(0, 6)))
  expect(worker.state().resting).toEqual([])
})
