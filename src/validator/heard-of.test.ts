import { beforeEach, expect, test } from 'vitest'
import { foundTown, payer } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { heardOf } from './heard-of.ts'

const [ADA, BEN] = [payer('ada'), payer('ben')]
const heard = { account: ADA.did, rkey: 'at.000000000001', cid: 'one' }
let epoch: ReadEpoch
let waiting: (typeof heard)[]
let now: number
let chance: number
let followed: string[]
let refused: string[]

beforeEach(async () => {
  epoch = (await foundTown(4, [{ kind: 'system_grant', amount: 9, to: ADA.did }])).genesis
  waiting = [heard]
  now = 0
  chance = 0
  followed = []
  refused = []
})

function source(prove: () => Promise<{ record: Uint8Array; car: Uint8Array } | undefined>) {
  return heardOf(
    {
      crypto,
      fetch: () => Promise.reject(new Error('nobody answers')),
      epoch: () => epoch,
      isHosted: async (did) => did === BEN.did,
      timers: { now: () => new Date(now), random: () => chance },
    },
    {
      waiting: async (of) => (of === 0 ? waiting : []),
      prove,
      refused: async (_of, { reason }) => void refused.push(reason),
      follow: async (did) => void followed.push(did),
    },
  )
}

test.each([
  ['at once', 0, 10_000],
  ['later where others are first', 0.5, 20_000],
])('a transfer is left to its own host before it is taken up, %s', async (_how, by, after) => {
  chance = by
  const heardHere = source(async () => undefined)
  expect(await heardHere.list()).toEqual([])
  now = after - 1
  expect(await heardHere.list()).toEqual([])
  now = after
  expect(await heardHere.list()).toEqual([{ account: ADA.did, rkey: heard.rkey, name: 'one' }])
})

test('another version of a transfer has its time, and what was published is forgotten', async () => {
  const heardHere = source(async () => undefined)
  await heardHere.list()
  now = 10_000
  waiting = [{ ...heard, cid: 'two' }]
  expect(await heardHere.list()).toEqual([])
  waiting = [heard]
  expect(await heardHere.list()).toEqual([])
})

test('accounts of this node are not for whoever hears of them', async () => {
  waiting = [{ ...heard, account: BEN.did }]
  const heardHere = source(async () => undefined)
  await heardHere.list()
  now = 60_000
  expect(await heardHere.list()).toEqual([])
})

test('whoever is granted something is read from then on, once', async () => {
  const heardHere = source(async () => undefined)
  await heardHere.list()
  await heardHere.list()
  expect(followed).toEqual([ADA.did])
})

test('what a host does not prove is not certified, and what is no transfer is refused', async () => {
  const wanted = { account: ADA.did, rkey: heard.rkey, name: 'one' }
  expect(await source(async () => undefined).certify(wanted)).toBeUndefined()
  const empty = new Uint8Array([0xa0])
  await source(async () => ({ record: empty, car: empty })).certify(wanted)
  expect(refused).toEqual(['Malformed'])
})
