import { toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { emptyHandover, nextEpoch } from '../../test/tokens/chain.ts'
import { NOON, type Payer, didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Identity } from '../identity/identity.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { type Epoch, committeeOf, readEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { sealBytes, sealEpoch } from '../tokens/seal.ts'
import type { Choices } from '../tokens/worth/epoch-choices.ts'
import { planEpoch } from '../tokens/worth/plan-epoch.ts'
import { gatherPlan } from './gather-plan.ts'

const NODE = 'https://node.test'
const VALIDATORS = ['vala', 'valb', 'valc', 'vald'].map(payer)
const good = (epoch: Epoch) => {
  const read = readEpoch(crypto, encodeRecord(epoch))
  if (isRefusal(read)) throw new Error(read.detail)
  return read
}
const originOf = (did: string) => `https://${did.slice(8, 12)}.test`
const named = VALIDATORS.map(({ did, signer }) => ({ did, key: signer.didKey }))
const entries = named.map((one) => ({ ...one, endpoint: originOf(one.did) }))
const FIRST = good({ ...firstEpoch(named, []), validators: entries })
const SEALS = new Map(
  VALIDATORS.map(({ did, signer }) => [
    originOf(did),
    sealEpoch(crypto, signer, {
      committee: committeeOf(FIRST),
      validator: did,
      transfers: [],
      participation: VALIDATORS.map((one) => ({ validator: one.did, slots: 4 })),
      now: NOON,
    }),
  ]),
)
const seals = [...SEALS.values()]
  .slice(1)
  .map(({ seal, cid }) => ({ validator: seal.validator, cid }))
const later = { createdAt: '2026-11-28T15:59:00.000Z' }
const SECOND = good(
  nextEpoch(FIRST, VALIDATORS.slice(0, 3), { handover: emptyHandover(FIRST, { seals }), ...later }),
)

type Call = { readonly origin: string; readonly method: string; readonly query: URLSearchParams }
const ROOT = payer('root')
const WEN = payer('wen')
const vouch = (from: string, to: string) => ({
  author: { did: from, handle: 'x.test' },
  person: { did: to },
  createdAt: NOON,
  indexedAt: NOON,
})
const VOUCHES = [
  vouch(ROOT.did, WEN.did),
  vouch(ROOT.did, 'did:key:nobody'),
  vouch(WEN.did, didOf('xia')),
]

/** What nodes of this network answer, in pages of two. */
function answer({ origin, method, query }: Call): object | undefined {
  const page = (all: readonly unknown[]) => {
    const from = Number(query.get('cursor') ?? 0)
    const more = from + 2 < all.length ? { cursor: String(from + 2) } : {}
    return { items: all.slice(from, from + 2), ...more }
  }
  if (method === 'readSeal') {
    const found = SEALS.get(origin)
    return found && { seal: toBytes(sealBytes(found.seal)), transfers: [] }
  }
  if (origin !== NODE) return undefined
  if (method === 'readEpochs') {
    return page([FIRST, SECOND].map(({ epoch }) => toBytes(encodeRecord(epoch))))
  }
  return method === 'listVouches' ? page(VOUCHES) : undefined
}

const identityOf = ({ did, signer }: Payer, name: string): Identity => ({
  did,
  signingKey: signer.didKey,
  pds: NODE,
  document: {
    id: did,
    verificationMethod: [
      {
        id: `#${name}`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: signer.didKey.slice('did:key:'.length),
      },
    ],
  },
})
const IDENTITIES = new Map([
  [ROOT.did, identityOf(ROOT, 'atproto')],
  [WEN.did, identityOf(WEN, 'angel')],
])

const PERSONS: Choices = { persons: { seeds: [ROOT.did] } }
function gather(choices: Choices, answers: typeof answer = answer, genesis?: string) {
  const fetch = (url: URL | string) => {
    const { origin, pathname, searchParams: query } = new URL(url)
    const found = answers({ origin, method: pathname.split('.').at(-1)!, query })
    const error = { error: 'NotFound', message: 'nothing here' }
    return Promise.resolve(
      Response.json(JSON.parse(JSON.stringify(found ?? error)), {
        status: found ? 200 : 400,
      }),
    )
  }
  const resolve = (did: string) =>
    did === didOf('xia')
      ? Promise.reject(new Error('no answer'))
      : Promise.resolve(IDENTITIES.get(did))
  const at = { now: Date.parse(NOON) + 1, ...(genesis !== undefined && { genesis }) }
  return gatherPlan({ crypto, fetch, node: NODE, resolve }, choices, at)
}

test('a plan is made of epochs, seals, vouches and device keys as they are found', async () => {
  const input = await gather({ ...PERSONS, nodeRewards: { amount: 400 } })
  if (isRefusal(input)) throw new Error(input.detail)
  const plan = planEpoch(crypto, input)
  if (isRefusal(plan)) throw new Error(`${plan.reason} ${plan.detail}`)
  expect(plan.told).toMatchObject({ epoch: 2, granted: 400n, persons: 3, clusters: 1 })
  expect(plan.grants).toEqual(
    VALIDATORS.map(({ did: to }) => {
      return { kind: 'node_reward', to, amount: 100 }
    }),
  )
  expect(plan.personhood!.record.persons.map(({ did, key }) => [did, key])).toEqual([
    [ROOT.did, undefined],
    [WEN.did, WEN.signer.didKey],
    [didOf('xia'), undefined],
  ])
})

test('what is not needed is not asked for', async () => {
  const asked: string[] = []
  await gather({}, (call) => {
    asked.push(call.method)
    return answer(call)
  })
  expect(asked).toEqual(['readEpochs'])
})

test('only the chain from the first epoch that is trusted counts', async () => {
  expect(await gather({}, answer, FIRST.id)).toMatchObject({ before: { id: SECOND.id } })
  expect(await gather({}, answer, SECOND.id)).toMatchObject({ reason: 'WrongGenesis' })
  const forged = encodeRecord({ ...SECOND.epoch, createdAt: NOON })
  const lying = (call: Call) =>
    call.method === 'readEpochs'
      ? { items: [toBytes(encodeRecord(FIRST.epoch)), toBytes(forged)] }
      : answer(call)
  expect(await gather({}, lying)).toMatchObject({ reason: 'BadSignature' })
  expect(await gather({}, () => ({ items: [] }))).toMatchObject({ reason: 'EpochUnknown' })
  expect(await gather({}, () => ({ items: ['x'] }))).toMatchObject({ reason: 'Malformed' })
})

test('a seal that another validator has signed, or that is not to be had, is not there', async () => {
  const [, second] = VALIDATORS
  const other = SEALS.get(originOf(VALIDATORS[0]!.did))!
  for (const seal of [toBytes(sealBytes(other.seal)), undefined, 'x']) {
    const lying = (call: Call) => (call.origin === originOf(second!.did) ? { seal } : answer(call))
    const input = await gather({ nodeRewards: { amount: 400 } }, lying)
    if (isRefusal(input)) throw new Error(input.detail)
    expect(planEpoch(crypto, input)).toMatchObject({ reason: 'WrongSeal' })
  }
})

test('a plan is not made of a part of the vouches', async () => {
  const cut = (call: Call) => (call.query.has('cursor') ? undefined : answer(call))
  await expect(gather(PERSONS, cut)).rejects.toThrow('does not answer listVouches')
  const odd = (call: Call) => (call.method === 'listVouches' ? { items: [{}] } : answer(call))
  await expect(gather(PERSONS, odd)).rejects.toThrow('did is missing')
  const none = (call: Call) => (call.method === 'listVouches' ? {} : answer(call))
  await expect(gather(PERSONS, none)).rejects.toThrow('no list')
})
