import { expect, test } from 'vitest'
import { refuse } from '../../src/firehose/refusal.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { FakeRepo } from './fake-repo.ts'
import { NOTE, PDS, fetching, keysOf, notes, shown } from './fetching.ts'

const did = 'did:plc:ada'
const account = (told: { active: boolean; status?: string }) =>
  ({ kind: 'account', seq: 1, did, time: '', ...told }) as const
const away = () => Promise.reject(new OutboundError('Unreachable', 'no answer'))

/** A repo with notes, followed and not fetched yet. */
async function followed(options?: Parameters<typeof fetching>[0]) {
  const world = fetching(options)
  const repo = await FakeRepo.create(did, notes(0, 60))
  world.serve(repo)
  await world.store.follow({ did, pds: PDS })
  const row = () => world.store.dump().accounts.find((a) => a.did === did)!
  return { ...world, repo, row }
}

test('a whole repo is verified and taken over, the collections asked for only', async () => {
  const { start, timers, store, repo, row, told } = await followed()
  start()
  await timers.settle()
  expect(shown(store, did)).toEqual(keysOf(notes(0, 60)))
  expect(Object.keys(store.dump().records).filter((uri) => !uri.includes(NOTE))).toEqual([])
  expect(row()).toMatchObject({ state: 'synchronized', rev: repo.rev, data: repo.data, pds: PDS })
  // Whoever waits for this revision is told.
  expect([...told[0]!.revs]).toEqual([[did, repo.rev]])
})

test('what is not in the repo any more is deleted, and only differences are stored', async () => {
  const { start, timers, store, repo, serve } = await followed()
  const worker = start()
  await timers.settle()
  await repo.commit([...notes(0, 6, 'delete'), ...notes(6, 9, 'update'), ...notes(60, 63)])
  serve(repo)
  await store.desynchronize([did], 'Sync')
  const before = store.dump().records
  worker.wake()
  await timers.settle()
  expect(shown(store, did)).toEqual(keysOf(notes(6, 63)))
  const changed = Object.entries(store.dump().records).filter(
    ([uri, { rev }]) => before[uri]?.rev !== rev,
  )
  expect(changed).toHaveLength(4 + 2 + 2)
})

test.each([
  ['signed by another key', 'BadSignature'],
  ['with a part of its tree left out', 'MissingTreeNode'],
  ['with a record left out', 'MissingRecord'],
  ['cut off', 'BadCar'],
  ['of another account', 'WrongDid'],
])('a repo %s is refused and tried again later', async (what, reason) => {
  const { start, timers, store, repo, row, serve } = await followed()
  const eve = await FakeRepo.create('did:plc:eve')
  const bad = async () => {
    if (what.includes('key')) return repo.whole({ key: eve.key })
    if (what.includes('another account')) return eve.whole()
    if (what.includes('cut')) return (await repo.whole()).subarray(0, -7)
    return repo.whole({
      parts: ({ blocks, unsigned }) => {
        const record = ({ bytes }: { bytes: Uint8Array }) =>
          Buffer.from(bytes).includes('create 59')
        const [gone] = [...blocks].find(([cid, block]) =>
          what.includes('tree') ? cid === unsigned.data.$link : record(block),
        )!
        blocks.delete(gone)
      },
    })
  }
  serve(repo, { repo: bad })
  start()
  await timers.settle()
  expect(row()).toMatchObject({ state: 'desynchronized', reason, attempts: 1, rev: null })
  serve(repo)
  await timers.pass(30_000)
  expect(row()).toMatchObject({ state: 'synchronized', attempts: 0 })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 60)))
})

test.each([
  ['RepoDeactivated', 'deactivated'],
  ['RepoTakendown', 'takendown'],
  ['RepoSuspended', 'suspended'],
  ['RepoNotFound', 'deactivated'],
] as const)(
  'an account whose PDS answers %s is hidden, and not asked for again',
  async (...told) => {
    const [reason, upstream] = told
    const { start, timers, store, repo, row, serve, asked } = await followed()
    const worker = start()
    await timers.settle()
    serve(repo, { repo: async () => refuse(reason, '') })
    await store.desynchronize([did], 'Gap')
    worker.wake()
    await timers.pass(24 * 3_600_000)
    expect(row()).toMatchObject({ upstream, state: 'desynchronized' })
    expect(shown(store, did)).toEqual([])
    expect(store.dump().records).not.toEqual({})
    expect(asked).toHaveLength(2)

    serve(repo)
    await store.apply({ host: PDS, events: [account({ active: true })] })
    worker.wake()
    await timers.settle()
    expect(shown(store, did)).toEqual(keysOf(notes(0, 60)))
  },
)

test('an account whose PDS says that it is deleted is forgotten', async () => {
  const { start, timers, store, repo, row, serve } = await followed()
  const worker = start()
  await timers.settle()
  serve(repo, { status: { active: false, status: 'deleted' } })
  await store.desynchronize([did], 'Gap')
  worker.wake()
  await timers.settle()
  expect(row()).toMatchObject({ upstream: 'deleted', rev: null })
  expect(store.dump().records).toEqual({})
})

test('an account without a document is forgotten after some looks, not after one', async () => {
  const { start, timers, store, repos, row } = await followed()
  const worker = start()
  await timers.settle()
  repos.delete(did)
  await store.desynchronize([did], 'Gap')
  worker.wake()
  await timers.settle()
  expect(row()).toMatchObject({ upstream: 'active', reason: 'NoIdentity', attempts: 1 })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 60)))
  await timers.pass(3_600_000)
  expect(row()).toMatchObject({ upstream: 'deleted' })
  expect(store.dump().records).toEqual({})
})

test('a PDS that does not answer is asked less and less, whatever wakes the worker', async () => {
  const { start, timers, row, repo, serve, asked } = await followed()
  serve(repo, { repo: away })
  const worker = start()
  const after: number[] = []
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    const before = asked.length
    await timers.pass(60_000)
    worker.wake()
    if (asked.length > before) after.push(minute)
  }
  expect(row()).toMatchObject({ reason: 'Unreachable', state: 'desynchronized' })
  const gaps = after.slice(4).map((at, n) => at - after[n + 3]!)
  expect(gaps).toEqual(gaps.toSorted((a, b) => a - b))
  expect(asked.length).toBeLessThan(16)
  expect(gaps.at(-1)).toBeGreaterThan(120)
})

test('how long a repo waits survives a restart', async () => {
  const { start, timers, repo, serve, asked, store } = await followed()
  serve(repo, { repo: away })
  const first = start()
  await timers.pass(120_000)
  await first.close()
  const before = asked.length
  await store.recover()
  start()
  await timers.pass(30_000)
  expect(asked).toHaveLength(before)
})

test('a PDS that never ends its answer delays only its own accounts', async () => {
  const { start, timers, store, serve } = fetching({ limits: { repos: 4, perPds: 2 } })
  const slow = 'https://slow.example.net'
  const never = new Promise<Uint8Array>(() => {})
  for (let n = 0; n < 20; n += 1) {
    const repo = await FakeRepo.create(`did:plc:slow${n}`)
    serve(repo, { repo: () => never }, slow)
    const listed = [{ did: repo.did, rev: repo.rev, active: true }]
    // Of every second it is not known yet where it lives.
    if (n % 2 === 0) await store.follow({ did: repo.did, pds: slow })
    else await store.noteRepos('relay', listed, { cursor: null, done: true })
  }
  await timers.pass(1_000)
  const quick = await FakeRepo.create('did:plc:zoe', notes(0, 9))
  serve(quick)
  await store.follow({ did: quick.did, pds: PDS })
  const worker = start()
  await timers.settle()
  expect(shown(store, quick.did)).toEqual(keysOf(notes(0, 9)))
  expect(worker.state().running).toBe(2)
})

test('a repo older than what is held is not taken over', async () => {
  const { start, timers, store, repo, serve, row } = await followed()
  const old = await repo.whole()
  await repo.commit(notes(60, 63))
  const worker = start()
  await timers.settle()
  serve(repo, { repo: async () => old })
  await store.desynchronize([did], 'Gap')
  worker.wake()
  await timers.settle()
  expect(row()).toMatchObject({ state: 'desynchronized', reason: 'OlderRev', rev: repo.rev })
  expect(shown(store, did)).toEqual(keysOf(notes(0, 63)))
})
