import { expect, test } from 'vitest'
import { IdentityUnavailable } from '../../src/identity/fetch-document.ts'
import { FakeRepo, encodeFrame } from './fake-repo.ts'
import { follow } from './follow.ts'
import { startHostileHost } from './hostile-host.ts'

const ALICE = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const COLLECTION = 'co.kendev.test.note'
const TIME = '2026-01-01T00:00:00.000Z'

test('a slow sink stops the reading, and memory stays bounded over 20,000 frames', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const release = Promise.withResolvers<void>()
  const limits = { queued: 500, queuedBytes: 1_000_000_000 }
  const sink = () => release.promise
  await using followed = follow(host.origin, [alice], { limits, sink, from: 'live' })
  await expect.poll(() => host.connected()).toBe(1)
  const identity = { did: ALICE, time: TIME }
  for (let seq = 1; seq <= 20_000; seq += 1)
    host.send(encodeFrame('#identity', { seq, ...identity }))
  await expect.poll(() => followed.subscription.state().queued).toBeGreaterThanOrEqual(500)
  // One read of the socket brings at most 64 KiB, and what it holds has to be taken.
  const slack = Math.ceil(65_536 / encodeFrame('#identity', { seq: 1, ...identity }).length) + 1
  for (let round = 0; round < 10; round += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    expect(followed.subscription.state().queued).toBeLessThanOrEqual(500 + slack)
  }
  release.resolve()
  await expect.poll(() => followed.events.length, { timeout: 20_000 }).toBe(20_000)
  expect(followed.subscription.state()).toMatchObject({
    queued: 0,
    queuedBytes: 0,
    lastSeq: 20_000,
  })
})

test('closing settles although the sink never does and the host is silent', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  host.play(1, await alice.write(1, [note('n1')]))
  const called = Promise.withResolvers<void>()
  const followed = follow(host.origin, [alice], {
    sink: () => {
      called.resolve()
      return new Promise(() => undefined)
    },
  })
  await called.promise
  const before = performance.now()
  await followed.subscription.close()
  expect(performance.now() - before).toBeLessThan(3000)
  await expect.poll(() => host.connected()).toBe(0)
})

test('closing waits for the batch that the sink is taking', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  host.play(1, await alice.write(1, [note('n1')]))
  const called = Promise.withResolvers<void>()
  const followed = follow(host.origin, [alice], {
    sink: async () => {
      called.resolve()
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
    },
  })
  await called.promise
  await followed.subscription.close()
  expect(followed.events.length).toBe(1)
})

test('a host that no longer answers pings is left and connected to again', async () => {
  await using host = await startHostileHost({ autoPong: false })
  await using _followed = follow(host.origin, [], { limits: { pingMs: 50 } })
  await expect.poll(() => host.cursors.length).toBeGreaterThan(1)
})

test('a host that is quiet and answers pings stays connected over real sockets', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  await using followed = follow(host.origin, [alice], { limits: { pingMs: 30 } })
  await expect.poll(() => host.connected()).toBe(1)
  await new Promise((resolve) => {
    setTimeout(resolve, 500)
  })
  host.play(1, await alice.write(1, [note('n1')]))
  await expect.poll(() => followed.events).toMatchObject([{ kind: 'commit' }])
  expect(host.cursors).toHaveLength(1)
})

test('while the directory is down events wait, and after their time are let go as lost', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  let down = true
  const resolver = {
    resolve: async (did: string) => {
      if (down) throw new IdentityUnavailable(did, new Error('down'))
      return alice.identity()
    },
  }
  const limits = { identityHoldMs: 300 }
  await using followed = follow(host.origin, [alice], { resolver, limits })
  host.play(1, await alice.write(1, [note('n1')]))
  await expect
    .poll(() => followed.events)
    .toMatchObject([{ kind: 'lost', reason: 'IdentityUnavailable', seq: 1 }])
  await using patient = follow(host.origin, [alice], { resolver })
  await new Promise((resolve) => {
    setTimeout(resolve, 100)
  })
  expect(patient.events).toEqual([])
  down = false
  await expect.poll(() => patient.events).toMatchObject([{ kind: 'commit' }])
})

test('a batch that the sink does not take is given again, and nothing overtakes it', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  for (let seq = 1; seq <= 50; seq += 1) host.play(seq, await alice.write(seq, [note(`n${seq}`)]))
  let calls = 0
  await using followed = follow(host.origin, [alice], {
    limits: { batch: 10 },
    sink: async () => {
      calls += 1
      if (calls % 3 !== 0) throw new Error('the database is away')
    },
  })
  await expect.poll(() => followed.events.length).toBe(50)
  expect(followed.events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 50 }, (_, at) => at + 1),
  )
  expect(Math.max(...followed.batches)).toBeLessThanOrEqual(10)
  expect(followed.cursors.at(-1)).toBe(50)
  expect(calls).toBe(followed.batches.length * 3)
})

test('large frames stop the reading by their bytes, long before their number', async () => {
  await using host = await startHostileHost()
  const release = Promise.withResolvers<void>()
  const limits = { queued: 1000, queuedBytes: 2_000_000 }
  const sink = () => release.promise
  await using followed = follow(host.origin, [], { limits, sink, from: 'live' })
  await expect.poll(() => host.connected()).toBe(1)
  for (let index = 0; index < 100; index += 1) host.send(Buffer.alloc(500_000, 0x5a))
  await expect
    .poll(() => followed.subscription.state().queuedBytes)
    .toBeGreaterThanOrEqual(2_000_000)
  await new Promise((resolve) => {
    setTimeout(resolve, 100)
  })
  expect(followed.subscription.state().queuedBytes).toBeLessThanOrEqual(3_000_000)
  release.resolve()
  await expect.poll(() => followed.events.length, { timeout: 10_000 }).toBe(100)
})

test('a host that others named is not connected to on this machine or without TLS', async () => {
  await using host = await startHostileHost()
  const { port } = new URL(host.origin)
  const origins = [host.origin, `wss://127.0.0.1:${port}`, `wss://localhost:${port}`]
  for (const origin of origins) {
    await using _followed = follow(origin, [], { publicOnly: true })
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
  expect(host.sockets()).toBe(0)
})

function note(rkey: string) {
  return { action: 'create', collection: COLLECTION, rkey, record: { text: rkey } } as const
}
