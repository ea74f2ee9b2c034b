import { expect, test } from 'vitest'
import { nextEpoch } from '../../test/tokens/chain.ts'
import {
  NOON,
  type Town,
  applyWith,
  foundTown,
  lockWith,
  orderOf,
  payer,
} from '../../test/tokens/town.ts'
import { encodeRecord } from './encoding.ts'
import { committeeOf, readEpoch } from './epoch.ts'
import { type Ending, type SealedSet, checkHandover, concludeEpoch } from './handover.ts'
import type { Order } from './ledger-view.ts'
import { isRefusal } from './refusal.ts'
import { sealEpoch } from './seal.ts'
import { openEpoch } from './settle.ts'

const [ADA, BEN] = [payer('ada'), payer('ben')]
const GRANTS = [{ kind: 'system_grant', amount: 100, to: ADA.did } as const]

/** What each validator has applied, under its seal. */
function sealAll(town: Town): SealedSet[] {
  const committee = committeeOf(town.genesis)
  return town.members.map(({ did, signer, store }) => {
    const transfers = [...store.applied.values()].map(({ account, seq, id }) => ({
      account,
      seq,
      transfer: id,
    }))
    const parts = { committee, validator: did, transfers, participation: [], now: NOON }
    return { ...sealEpoch(town.crypto, signer, parts), transfers }
  })
}

async function ending(reached: number): Promise<{ town: Town; end: Ending; order: Order }> {
  const town = await foundTown(4, GRANTS)
  const order = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 30 }] })
  const lock = await lockWith(order, town.members.slice(0, 3))
  await applyWith(order, lock, town.members.slice(0, reached))
  const end: Ending = {
    epoch: town.genesis.epoch,
    committee: committeeOf(town.genesis),
    opening: openEpoch([], GRANTS),
    seals: sealAll(town),
    certified: (id) => (id === order.id ? order : undefined),
  }
  return { town, end, order }
}

const sets = [
  [0, 1, 2],
  [0, 1, 3],
  [0, 2, 3],
  [1, 2, 3],
  [0, 1, 2, 3],
]

test('what a quorum has applied is in what any quorum of seals comes to', async () => {
  const { town, end } = await ending(3)
  for (const set of sets) {
    const outcome = concludeEpoch(town.crypto, { ...end, seals: set.map((at) => end.seals[at]!) })
    if (isRefusal(outcome)) throw new Error(outcome.detail)
    expect(outcome.settled).toHaveLength(1)
    expect(outcome.accounts.get(BEN.did)!.balance).toBe(30n)
    expect(outcome.supply).toBe(100n)
  }
})

test('what one validator has applied counts by the seals named, and money is whole either way', async () => {
  const { town, end } = await ending(1)
  const counts = sets.map((set) => {
    const outcome = concludeEpoch(town.crypto, { ...end, seals: set.map((at) => end.seals[at]!) })
    if (isRefusal(outcome)) throw new Error(outcome.detail)
    expect(outcome.supply).toBe(100n)
    return outcome.settled.length
  })
  expect(counts).toEqual([1, 1, 1, 0, 1])
})

test('too few seals, one twice, or a set that is not the sealed one end no epoch', async () => {
  const { town, end } = await ending(3)
  const conclude = (more: Partial<Ending>) => concludeEpoch(town.crypto, { ...end, ...more })
  const [a, b, c] = end.seals as [SealedSet, SealedSet, SealedSet]
  expect(conclude({ seals: [a, b] })).toMatchObject({ reason: 'TooFewSigners' })
  expect(conclude({ seals: [a, b, c, a] })).toMatchObject({ reason: 'DuplicateSigner' })
  const hidden = { ...a, transfers: [] }
  expect(conclude({ seals: [hidden, b, c] })).toMatchObject({ reason: 'WrongSeal' })
  const unknown = conclude({ certified: () => undefined })
  expect(unknown).toMatchObject({ reason: 'NeedCertificates' })
})

test('a certificate that an epoch before has left out comes back in none after it', async () => {
  const { town, end, order } = await ending(3)
  const later = { ...end, epoch: { ...end.epoch, epoch: 1 } }
  expect(order.transfer.epoch).toBe(0)
  expect(concludeEpoch(town.crypto, later)).toMatchObject({ reason: 'WrongEpoch' })
})

test('a proposal is signed only if it says what its seals come to, and follows the epoch', async () => {
  const { town, end } = await ending(3)
  const seals = end.seals.slice(1)
  const outcome = concludeEpoch(town.crypto, { ...end, seals })
  if (isRefusal(outcome)) throw new Error(outcome.detail)
  const named = seals.map(({ seal, cid }) => ({ validator: seal.validator, cid }))
  const handover = { seals: named, ...outcome.roots }
  const propose = (more: object = {}, epoch: object = {}) => {
    const next = nextEpoch(town.genesis, [], { handover: { ...handover, ...more }, ...epoch })
    return checkHandover(town.crypto, end, { epoch: next })
  }
  expect(propose()).toMatchObject({ ok: true, supply: 100n })
  const { stateRoot, settledRoot } = handover
  expect(propose({ stateRoot: settledRoot })).toMatchObject({ reason: 'WrongStateRoot' })
  expect(propose({ settledRoot: stateRoot })).toMatchObject({ reason: 'WrongSettledRoot' })
  expect(propose({ settledCount: 2 })).toMatchObject({ reason: 'WrongSettledRoot' })
  expect(propose({ supply: 101 })).toMatchObject({ reason: 'WrongSupply' })
  expect(propose({ burned: 1 })).toMatchObject({ reason: 'WrongSupply' })
  const stolen = named.with(0, { ...named[0]!, cid: named[1]!.cid })
  expect(propose({ seals: stolen })).toMatchObject({ reason: 'WrongSeal' })
  expect(propose({ seals: named.slice(1) })).toMatchObject({ reason: 'TooFewSigners' })
  expect(propose({}, { prev: outcome.settled[0]!.transfer })).toMatchObject({
    reason: 'BrokenEpochChain',
  })
  expect(propose({}, { epoch: 2 })).toMatchObject({ reason: 'BrokenEpochChain' })
  expect(propose({}, { supplyCap: 1_000 })).toMatchObject({ reason: 'BrokenEpochChain' })
  expect(propose({}, { handover: undefined })).toMatchObject({ reason: 'HandoverMissing' })
  const next = nextEpoch(town.genesis, [], { handover })
  expect(readEpoch(town.crypto, encodeRecord(next))).toMatchObject({ ok: true })
})
