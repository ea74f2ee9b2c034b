import { beforeEach, expect, test } from 'vitest'
import { emptyHandover, nextEpoch } from '../../test/tokens/chain.ts'
import { type Town, didOf, foundTown, payer } from '../../test/tokens/town.ts'
import { toBytes } from '@atcute/cbor'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { cidOf, encodeRecord } from '../tokens/encoding.ts'
import { type ReadEpoch, readEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { stateRoot } from '../tokens/state-root.ts'
import { fetchCheckpoint } from './fetch-checkpoint.ts'

type Told = { account: string; seq: number; head?: string; balance: number }

const HEAD = cidOf(crypto, { of: 'a transfer' })
const NAMES = ['ada', 'ben', 'cleo', 'dan']
const GOOD: Told[] = NAMES.map((name, n) => ({
  account: didOf(name),
  seq: n,
  ...(n > 0 && { head: HEAD }),
  balance: 10 * (n + 1),
}))

let town: Town
let chain: ReadEpoch[]
/** What each validator answers, by its place, to a cursor. */
let answers: ((cursor: string | null) => object | undefined)[]
let asked: number

/** Pages of two accounts each. */
const telling =
  (list: readonly Told[], more: object = {}) =>
  (cursor: string | null) => {
    const from = Number(cursor ?? 0)
    const next = from + 2 < list.length ? { cursor: String(from + 2) } : {}
    return { accounts: list.slice(from, from + 2), ...next, ...more }
  }

const fetch: Outbound = (url) => {
  const { hostname, searchParams, pathname } = new URL(url)
  asked += 1
  const n = Number(hostname.replaceAll(/\D/g, ''))
  const body = pathname.endsWith('.readCheckpoint')
    ? answers[n]?.(searchParams.get('cursor'))
    : undefined
  return Promise.resolve(Response.json(body ?? { error: 'NotFound' }, { status: body ? 200 : 400 }))
}

beforeEach(async () => {
  town = await foundTown(4, [])
  asked = 0
  const accounts = GOOD.map(({ account, balance, ...rest }) => {
    return { did: account, balance: BigInt(balance), ...rest }
  })
  const root = toBytes(stateRoot(crypto, accounts))
  const handover = emptyHandover(town.genesis, { stateRoot: root, supply: 100 })
  const validators = town.genesis.epoch.validators.map((one, n) => {
    return { ...one, endpoint: `https://v${n}.test` }
  })
  const next = readEpoch(
    crypto,
    encodeRecord(nextEpoch(town.genesis, [], { handover, validators })),
  )
  if (isRefusal(next)) throw new Error(next.detail)
  chain = [town.genesis, next]
  answers = [telling(GOOD), telling(GOOD), telling(GOOD), telling(GOOD)]
})

const begin = (key = payer('newcomer').signer.didKey) =>
  fetchCheckpoint({ crypto, fetch, key }, chain)

test('a newcomer begins with the whole list of a validator, and holds keys of all who have spent', async () => {
  const found = await begin()
  expect(found?.accounts.map(({ did, balance }) => [did, balance])).toEqual(
    GOOD.map(({ account, balance }) => [account, BigInt(balance)]),
  )
  expect(found?.accounts.map(({ keysUnmet }) => keysUnmet)).toEqual([undefined, true, true, true])
  expect(found?.epochs).toHaveLength(2)
  expect(asked).toBe(2)
})

const [first, second, ...rest] = GOOD as [Told, Told, Told, Told]
for (const [name, lie] of [
  ['a balance that is another', telling([{ ...first, balance: 11 }, second, ...rest])],
  ['an account more', telling([...GOOD, { account: didOf('eve'), seq: 0, balance: 1 }])],
  ['a list that was cut off', telling(GOOD.slice(0, 3))],
  ['a list that ends before its end', telling(GOOD, { cursor: undefined })],
  ['an account that comes twice', telling([...GOOD, first])],
  ['pages that repeat a place', telling(GOOD, { cursor: '2' })],
  ['pages without end and without accounts', (at: string | null) => empty(Number(at) + 1)],
  ['a balance below zero', telling([{ ...first, balance: -1 }, second, ...rest])],
  ['a field too much', telling([{ ...first, keysUnmet: false } as Told, second, ...rest])],
  ['no list', () => ({ accounts: 'all' })],
] as const) {
  test(`${name} is nobody's state: the next validator is asked`, async () => {
    answers[0] = lie as (typeof answers)[number]
    answers[1] = () => undefined
    expect((await begin())?.accounts).toHaveLength(4)
    answers = answers.map(() => lie as (typeof answers)[number])
    expect(await begin()).toBeUndefined()
  })
}

function empty(next: number): object {
  return { accounts: [], cursor: String(next) }
}

test('a snapshot of persons that the epoch does not pin begins nothing', async () => {
  const pinned = { ...chain[1]!.epoch, personhood: HEAD }
  chain[1] = { ...chain[1]!, epoch: pinned }
  answers = answers.map(() => telling(GOOD, { personhood: { $bytes: 'AAAA' } }))
  expect(await begin()).toBeUndefined()
})
