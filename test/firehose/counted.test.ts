import { expect, test } from 'vitest'
import type { FirehoseEvent } from '../../src/firehose/event.ts'
import { createMemoryStore } from '../../src/firehose/memory-store.ts'
import type { SyncStore } from '../../src/firehose/store.ts'
import {
  countedConnect,
  countedVerifier,
  hostsByStream,
} from '../../src/telemetry/counted-intake.ts'
import { countedStore } from '../../src/telemetry/counted-store.ts'
import { createFreshness } from '../../src/telemetry/freshness.ts'
import { createTally } from '../../src/telemetry/tally.ts'

const host = 'https://pds.example'
const did = 'did:plc:ada'
const NOW = new Date('2026-11-01T12:00:00Z')
const time = '2026-11-01T11:59:58Z'
const frame = new Uint8Array()

/** A counted store in memory; `ms` is what its stopwatch shows. */
function counted(change: (store: SyncStore) => SyncStore = (store) => store) {
  const at = { ms: 0 }
  const tally = createTally({ now: () => at.ms })
  const clock = { now: () => NOW }
  const freshness = createFreshness(clock)
  const plain = change(createMemoryStore({ clock }))
  const sums = (name: Parameters<typeof tally.read>[0]) =>
    tally.read(name).map(({ labels, sum }) => [...Object.values(labels), sum])
  return { at, tally, sums, freshness, store: countedStore(plain, { events: tally, freshness }) }
}

const active: FirehoseEvent = { kind: 'account', seq: 1, did, active: true, time }
const why = { reason: 'BadSignature', detail: '' }
const forged: FirehoseEvent = { kind: 'refused', seq: 2, did, ...why, frame, time }

test('a batch that was stored is counted by host, kind and reason, and how fresh it was', async () => {
  const { store, sums, freshness } = counted()
  await store.apply({ host, events: [active, forged], cursor: 2 })
  expect(sums('firehose.events')).toEqual([[host, 'account', 1]])
  expect(sums('firehose.refused')).toEqual([[host, 'BadSignature', 1]])
  expect(sums('store.batch')).toEqual([[2]])
  expect(freshness.of(host)).toMatchObject({ cursor: 2, age: 2 })
  await store.apply({ host, events: [], cursor: 9 })
  expect(freshness.of(host)).toMatchObject({ cursor: 9, age: 2 })
})

test('a batch that storage does not take counts as failed, and once when it is taken', async () => {
  let away = true
  const { store, sums } = counted((plain) =>
    Object.assign(Object.create(plain) as SyncStore, {
      apply: (batch: Parameters<SyncStore['apply']>[0]) =>
        away ? Promise.reject(new Error('away')) : plain.apply(batch),
    }),
  )
  const batch = { host, events: [forged], cursor: 2 }
  await expect(store.apply(batch)).rejects.toThrow('away')
  await expect(store.apply(batch)).rejects.toThrow('away')
  expect([sums('store.failed'), sums('firehose.refused')]).toEqual([[[2]], []])
  away = false
  await store.apply(batch)
  expect(sums('firehose.refused')).toEqual([[host, 'BadSignature', 1]])
})

test('a fetched repo is counted from its claim to its end, with the time between', async () => {
  const { at, store, sums } = counted()
  await store.follow({ did, pds: host })
  expect(await store.claim({ limit: 5, now: NOW })).toMatchObject([{ did }])
  at.ms += 3_000
  await store.resyncFailed(did, { reason: 'BadCar', retryAt: NOW })
  expect(await store.claim({ limit: 5, now: NOW })).toMatchObject([{ did }])
  at.ms += 2_000
  const end = { rev: '3lw4qc3hq7c22', data: 'b', pds: host, upstream: 'active', queued: [] }
  await store.resyncDone(did, end)
  expect(sums('resync.started')).toEqual([[2]])
  expect(sums('resync.failed')).toEqual([['BadCar', 1]])
  expect(sums('resync.completed')).toEqual([[1]])
  expect(sums('resync.duration')).toEqual([[2]])
  expect((await store.standings([did])).get(did)?.state).toBe('synchronized')
})

test('frames are counted under the name of their host, the own PDS under its public one', () => {
  const { tally, sums } = counted()
  const own = { host: 'https://node.example', service: 'http://127.0.0.1:2583' }
  const heard: number[] = []
  const connect = countedConnect(
    (options) => {
      options.onMessage(frame)
      return { pause: () => {}, resume: () => {}, close: () => {} }
    },
    tally,
    hostsByStream(own),
  )
  const callbacks = { onOpen: () => {}, onClose: () => {}, onMessage: () => void heard.push(1) }
  for (const url of ['ws://127.0.0.1:2583/xrpc/x?cursor=1', 'wss://pds.example/xrpc/x'])
    connect({ url: new URL(url), publicOnly: true, pingMs: 1, ...callbacks })
  expect(sums('firehose.frames')).toEqual([
    [own.host, 1],
    [host, 1],
  ])
  expect(heard).toHaveLength(2)
})

test('the time of a verdict is recorded, also of one that fails', async () => {
  const { at, tally } = counted()
  const verifier = countedVerifier(
    {
      verify: async () => {
        at.ms += 4
        throw new Error('a bug')
      },
      queued: 3,
      close: async () => {},
    },
    tally,
  )
  const job = { message: { kind: 'commit' } } as Parameters<typeof verifier.verify>[0]
  await expect(verifier.verify(job)).rejects.toThrow('a bug')
  expect(tally.read('firehose.verification')).toMatchObject([{ sum: 0.004 }])
  expect(verifier.queued).toBe(3)
})
