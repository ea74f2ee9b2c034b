import { expect, test } from 'vitest'
import { type FirehoseEvent } from '../../src/firehose/event.ts'
import { FakeRepo, encodeFrame } from './fake-repo.ts'
import { follow } from './follow.ts'
import { startHostileHost } from './hostile-host.ts'
import { lies } from './lies.ts'
import { malformations } from './malformations.ts'

const ALICE = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const BOB = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
const COLLECTION = 'co.kendev.test.note'
const TIME = '2026-01-01T00:00:00.000Z'

test('each lie of a host is refused by name, and the commit after it is taken', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const all = [...lies, ...malformations]
  await using followed = follow(host.origin, [alice])
  await expect.poll(() => host.connected()).toBe(1)
  let seq = 0
  for (const { tampering } of all) {
    host.play((seq += 1), await alice.write(seq, [note(`lie${seq}`)], tampering()))
    host.play((seq += 1), await alice.write(seq, [note(`truth${seq}`)]))
  }
  await expect.poll(() => followed.events.length, { timeout: 10_000 }).toBe(all.length * 2)
  // A frame that names nobody waits for no account; one without a number has that before it.
  const ordered = followed.events.toSorted(
    (a, b) => a.seq - b.seq || Number(a.kind === 'refused') - Number(b.kind === 'refused'),
  )
  const lied = ordered.filter((_, index) => index % 2 === 0)
  expect(lied.map((event) => event.kind === 'refused' && event.reason)).toEqual(
    all.map(({ reason }) => reason),
  )
  const told = ordered.filter((_, index) => index % 2 === 1)
  expect(told.every((event) => event.kind === 'commit' && event.writes.length === 1)).toBe(true)
})

test('noise and text on the socket are refused and do not stop the stream', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  await using followed = follow(host.origin, [alice])
  await expect.poll(() => host.connected()).toBe(1)
  host.send(Buffer.from('noise'))
  host.send('text')
  host.send(Buffer.alloc(0))
  host.play(1, await alice.write(1, [note('a')]))
  await expect
    .poll(() => kinds(followed.events))
    .toEqual(['refused', 'refused', 'refused', 'commit'])
})

test('events arrive in order, each once, also over broken connections', async () => {
  await using host = await startHostileHost()
  const repos = [await FakeRepo.create(ALICE), await FakeRepo.create(BOB)]
  await using followed = follow(host.origin, repos)
  await expect.poll(() => host.connected()).toBe(1)
  for (let seq = 1; seq <= 60; seq += 1) {
    const repo = repos[seq % 2]
    if (repo) host.play(seq, await repo.write(seq, [note(`n${seq}`)]))
    if (seq % 20 === 0) host.drop()
  }
  await expect.poll(() => followed.events.length).toBe(60)
  expect(followed.events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 60 }, (_, at) => at + 1),
  )
  expect(host.cursors.length).toBeGreaterThan(1)
  const resumed = host.cursors.slice(1)
  expect(resumed.every((cursor) => cursor !== undefined && cursor > 0)).toBe(true)
})

test('a subscription starts at the stored cursor', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  for (let seq = 1; seq <= 5; seq += 1) host.play(seq, await alice.write(seq, [note(`n${seq}`)]))
  await using followed = follow(host.origin, [alice], { cursor: async () => 3 })
  await expect.poll(() => followed.events.map(({ seq }) => seq)).toEqual([4, 5])
  expect(host.cursors).toEqual([3])
})

test('without a stored cursor it begins where it is told', async () => {
  await using host = await startHostileHost()
  await using _live = follow(host.origin, [], { from: 'live' })
  await expect.poll(() => host.cursors).toEqual([undefined])
  await using _all = follow(host.origin, [], { from: 'beginning' })
  await expect.poll(() => host.cursors).toEqual([undefined, 0])
})

test('events of accounts out of scope only move the cursor, and not with every event', async () => {
  await using host = await startHostileHost()
  const bob = await FakeRepo.create(BOB)
  for (let seq = 1; seq <= 30; seq += 1) host.play(seq, await bob.write(seq, [note(`n${seq}`)]))
  await using followed = follow(host.origin, [], { inScope: () => false })
  await expect.poll(() => followed.cursors.at(-1)).toBe(30)
  expect(followed.events).toEqual([])
  expect(followed.batches.length).toBeLessThanOrEqual(2)
})

test('a commit signed with a new key is taken after the identity was refreshed once', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const other = await FakeRepo.create(ALICE)
  const refreshes: boolean[] = []
  const resolver = {
    resolve: async (_did: string, how?: { refresh?: boolean }) => {
      refreshes.push(how?.refresh ?? false)
      return (how?.refresh ? alice : other).identity()
    },
  }
  host.play(1, await alice.write(1, [note('n1')]))
  await using followed = follow(host.origin, [alice], { resolver })
  await expect.poll(() => kinds(followed.events)).toEqual(['commit'])
  expect(refreshes).toEqual([false, true])
})

test('a host may not speak for an account that lives elsewhere', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const message = { did: ALICE, time: TIME }
  host.play(1, await alice.write(1, [note('n1')]))
  host.play(2, encodeFrame('#account', { ...message, seq: 2, active: false, status: 'deleted' }))
  await using followed = follow(host.origin, [alice], {
    authoritative: ({ pds }) => pds === 'https://elsewhere.example.net',
  })
  await expect
    .poll(() => followed.events)
    .toMatchObject([
      { kind: 'refused', reason: 'NotAuthoritative' },
      { kind: 'refused', reason: 'NotAuthoritative' },
    ])
})

test('identity, account and sync messages become events', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const parts = await alice.commit([])
  const { car } = await alice.car(parts)
  const message = { did: ALICE, time: TIME }
  host.play(1, encodeFrame('#identity', { ...message, seq: 1, handle: 'liar.test' }))
  host.play(2, encodeFrame('#account', { ...message, seq: 2, active: false, status: 'suspended' }))
  host.play(3, alice.syncFrame(3, car, parts.unsigned.rev))
  host.play(4, encodeFrame('#newKind', { seq: 4 }))
  await using followed = follow(host.origin, [alice])
  await expect.poll(() => followed.cursors.at(-1)).toBe(4)
  expect(followed.events).toEqual([
    { kind: 'identity', seq: 1, ...message, pds: 'https://pds.example.net' },
    { kind: 'account', seq: 2, ...message, active: false, status: 'suspended' },
    { kind: 'sync', seq: 3, ...message, rev: parts.unsigned.rev, data: alice.data },
  ])
})

test('a sequence number that goes back is refused and does not move the cursor back', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  host.play(5, await alice.write(5, [note('n5')]))
  host.play(6, await alice.write(4, [note('n4')]))
  await using followed = follow(host.origin, [alice])
  await expect
    .poll(() => followed.events)
    .toMatchObject([
      { kind: 'commit', seq: 5 },
      { kind: 'refused', reason: 'OldSeq', seq: 5 },
    ])
  expect(followed.cursors.at(-1)).toBe(5)
})

test('a host that counts anew is reported as a gap and followed from its beginning', async () => {
  await using host = await startHostileHost()
  const alice = await FakeRepo.create(ALICE)
  const gaps: string[] = []
  host.onConnect = (cursor) => {
    if (cursor !== 900) return false
    setImmediate(() => host.fail('FutureCursor'))
    return true
  }
  host.play(1, await alice.write(1, [note('n1')]))
  await using followed = follow(host.origin, [alice], {
    cursor: async () => 900,
    onGap: async ({ reason }) => void gaps.push(reason),
  })
  await expect.poll(() => followed.events).toMatchObject([{ kind: 'commit', seq: 1 }])
  expect(gaps).toEqual(['FutureCursor'])
  expect(followed.cursors.at(-1)).toBe(1)
})

test('a lost stretch is reported as a gap', async () => {
  await using host = await startHostileHost()
  const gaps: string[] = []
  host.onConnect = () => {
    setImmediate(() => host.send(encodeFrame('#info', { name: 'OutdatedCursor' })))
    return true
  }
  await using _followed = follow(host.origin, [], {
    onGap: async ({ reason }) => void gaps.push(reason),
  })
  await expect.poll(() => gaps).toEqual(['OutdatedCursor'])
})

function note(rkey: string) {
  return { action: 'create', collection: COLLECTION, rkey, record: { text: rkey } } as const
}

function kinds(events: readonly FirehoseEvent[]): string[] {
  return events.map(({ kind }) => kind)
}
