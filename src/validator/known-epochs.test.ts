import { beforeEach, expect, test } from 'vitest'
import { nextEpoch } from '../../test/tokens/chain.ts'
import { type Town, foundTown } from '../../test/tokens/town.ts'
import { toBytes } from '@atcute/cbor'
import type { Timers } from '../clock.ts'
import { systemTimers } from '../clock.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { type Epoch, type ReadEpoch, readEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { followEpochs } from './follow-epochs.ts'
import { type KnownEpochs, knownEpochs } from './known-epochs.ts'

let town: Town
let epochs: KnownEpochs
let one: Epoch
let two: Epoch
let own: Uint8Array[]
let kept: number[]

beforeEach(async () => {
  town = await foundTown(4, [])
  const { validators } = town.genesis.epoch
  const named = validators.map((each, n) => ({ ...each, endpoint: `https://v${n}.test` }))
  const genesis: ReadEpoch = {
    ...town.genesis,
    epoch: { ...town.genesis.epoch, validators: named },
  }
  epochs = knownEpochs(crypto, genesis)
  one = nextEpoch(genesis, town.members.slice(0, 3))
  two = nextEpoch(read(one), town.members.slice(1))
  own = []
  kept = []
})

function read(epoch: Epoch): ReadEpoch {
  const found = readEpoch(crypto, encodeRecord(epoch))
  if (isRefusal(found)) throw new Error(found.detail)
  return found
}

const numbers = () => epochs.chain.map(({ epoch }) => epoch.epoch)

test('what follows is taken in its order; what a quorum has not signed never is', () => {
  const few = nextEpoch(epochs.current(), town.members.slice(0, 2))
  const strange = nextEpoch(epochs.current(), [...town.members.slice(0, 2), town.members[0]!])
  const records = [two, few, strange, one, one].map(encodeRecord)
  const taken = epochs.take([new Uint8Array(9), ...records])
  expect(taken.map(({ epoch }) => epoch)).toEqual([one])
  expect(epochs.take([encodeRecord(two)])).toHaveLength(1)
  expect(numbers()).toEqual([0, 1, 2])
  const other = nextEpoch(read(one), town.members.slice(1), {
    grants: [],
    createdAt: '2026-12-01T00:00:00.000Z',
  })
  expect(epochs.take([encodeRecord(other)])).toEqual([])
  expect(epochs.current().id).toBe(read(two).id)
})

/** Follows for so many rounds, asking validators that answer so, by their place. */
async function follow(rounds: number, answer: (n: number, from: number) => string) {
  const asked: number[] = []
  const fetch: Outbound = (url) => {
    const { hostname, searchParams } = new URL(url)
    const n = Number(hostname.replaceAll(/\D/g, ''))
    asked.push(n)
    return Promise.resolve(new Response(answer(n, Number(searchParams.get('cursor')))))
  }
  const stop = new AbortController()
  let slept = 0
  const timers: Timers = {
    ...systemTimers,
    sleep: () => {
      slept += 1
      if (slept === rounds) stop.abort()
      return Promise.resolve()
    },
  }
  const keep = (found: readonly ReadEpoch[]) => {
    kept.push(...found.map(({ epoch }) => epoch.epoch))
    return Promise.resolve()
  }
  const log = { warn: () => {}, info: () => {} } as never
  const parts = { epochs, own: async () => own, keep, fetch, key: '', timers, log }
  await followEpochs({ ...parts, afterwards: () => Promise.resolve() }, stop.signal)
  return asked
}

const items = (all: readonly Epoch[]) =>
  JSON.stringify({ items: all.map((epoch) => toBytes(encodeRecord(epoch))) })

test('a node learns all epochs from one honest validator among liars', async () => {
  const few = nextEpoch(epochs.current(), town.members.slice(0, 2))
  const lies = ['{', items([few, few]), JSON.stringify({ items: [1, null, { $bytes: '*' }] })]
  const asked = await follow(6, (n, from) =>
    n === 3 ? items([one, two].slice(from - 1, from)) : lies[n]!,
  )
  expect(numbers()).toEqual([0, 1, 2])
  expect(kept).toEqual([1, 2])
  // Three are asked now and then, each in its turn.
  expect(asked.length).toBeLessThanOrEqual(12)
})

test('a node whose validators are all gone learns the epochs that it has read by itself', async () => {
  own = [one, two].map(encodeRecord)
  await follow(1, () => '')
  expect(numbers()).toEqual([0, 1, 2])
})
