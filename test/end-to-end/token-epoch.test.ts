import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import { verifyProof } from '../../src/tokens/light-client.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { settledTree } from '../../src/tokens/state-root.ts'
import { type Decided, conductEpoch } from '../../src/validator/conduct-epoch.ts'
import { httpSeals } from '../../src/validator/http-seals.ts'
import { remoteValidator } from '../../src/validator/remote-validator.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { mintingStory } from '../tokens/minting-story.ts'
import { type TokenNetwork, tokenNetwork } from '../tokens/network.ts'
import { type Written, payments } from '../tokens/payments.ts'
import { toBytes } from '@atcute/cbor'

const TOKEN = 1_000_000
let network: TokenNetwork
let genesis: ReadEpoch
let [ada, ben, governor]: Person[] = []
let pay: ReturnType<typeof payments>
let first: Written

beforeAll(async () => {
  network = await tokenNetwork()
  const [one, two] = network.nodes
  ada = await createPerson(one!.origin, 'ada.node1.test')
  ben = await createPerson(two!.origin, 'ben.node2.test')
  governor = await createPerson(one!.origin, 'council.node1.test')
  const grants = [
    { kind: 'system_grant', amount: 9 * TOKEN, to: ada.did },
    { kind: 'karma_reward', amount: 4 * TOKEN, pool: governor.did },
  ] as const
  genesis = await network.found(grants, governor.did, 3)
  pay = payments(network, ada)
}, 240_000)
afterAll(() => network[Symbol.asyncDispose]())

const TOKENS = 'co.kendev.tokens'
const SOON = { timeout: 60_000, interval: 500 }
type State = { seq: number; head?: string; balance: number; epoch: number; phase: string }
const states = (account: string) =>
  Promise.all(
    network.nodes.map(({ origin }) =>
      anybodyGet<State>(origin, 'co.kendev.tokens.readAccountState', { account }),
    ),
  )

async function tokenFor(validator: string): Promise<string> {
  const lxm = 'co.kendev.tokens.closeEpoch'
  const got = await governor!.get<{ token: string }>('com.atproto.server.getServiceAuth', {
    aud: validator,
    lxm,
  })
  return got.token
}

const conduct = (
  before: ReadEpoch,
  grants: ReadEpoch['epoch']['grants'],
  validators = before.epoch.validators,
) => decide(before, { validators, params: before.epoch.params, grants })
const decide = (before: ReadEpoch, decided: Decided) =>
  conductEpoch(
    {
      crypto: nativeCrypto,
      fetch,
      tokenFor,
      wait: (ms) => sleep(ms),
      now: () => new Date().toISOString(),
      drainMs: 200,
    },
    before,
    decided,
  )

test('only the governance of a ledger closes its epoch', async () => {
  const { origin } = network.nodes[0]!
  const close = fetch(`${origin}/xrpc/co.kendev.tokens.closeEpoch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ epoch: 0, stage: 'drain' }),
  })
  expect((await close).status).toBe(401)
})

test('an epoch ends by a quorum of seals: what was final stays, budgets burn, grants begin', async () => {
  first = await pay.write(ben!.did, 2 * TOKEN, { genesis, epoch: genesis })
  const driven = await pay.certify(genesis, first)
  if (isRefusal(driven) || driven.status !== 'final') throw new Error(JSON.stringify(driven))
  const { apply } = driven
  const grants = [{ kind: 'system_grant', amount: TOKEN, to: ben!.did }] as const
  const next = await conduct(genesis, grants, network.validators)
  expect(next.epoch.handover).toMatchObject({ supply: 9 * TOKEN, burned: 4 * TOKEN })
  // The fourth was no validator before: it begins with the accounts of the others.
  await expect
    .poll(() => states(ben!.did), SOON)
    .toMatchObject(network.nodes.map(() => ({ balance: 3 * TOKEN, epoch: 1, phase: 'open' })))
  const roots = network.nodes.map(({ origin }) =>
    anybodyGet<{ stateRoot: string }>(origin, `${TOKENS}.readStateRoot`),
  )
  expect(new Set((await Promise.all(roots)).map(({ stateRoot }) => stateRoot)).size).toBe(1)
  const proof = {
    epochs: [genesis, next].map(({ epoch }) => encodeRecord(epoch)),
    account: ada!.did,
    transfer: first.record,
    certificate: encodeRecord(apply),
  }
  const bare = verifyProof(nativeCrypto, genesis.id, proof)
  expect(bare).toMatchObject({ ok: false, reason: 'NotSettled' })
  const source = httpSeals(fetch, genesis.id, () => genesis.epoch.validators)
  const { transfers } = (await source.seal(genesis.epoch.validators[0]!.did, 0))!
  const tree = settledTree(nativeCrypto, transfers)
  const settled = { index: 0, path: tree.path(0).map((hash) => toBytes(hash)) }
  expect(verifyProof(nativeCrypto, genesis.id, { ...proof, settled })).toMatchObject({
    status: 'final',
  })
  const second = await pay.write(ben!.did, TOKEN, { genesis, epoch: next })
  expect(await pay.certify(next, second)).toMatchObject({ status: 'final' })
})

test('the fourth only validates: it takes nobody in, and answers for its ledger alone', async () => {
  const fourth = network.nodes[3]!
  const { origin } = fourth
  await expect(createPerson(origin, 'eve.node4.test')).rejects.toMatchObject({
    error: 'InvalidInviteCode',
  })
  const later = anybodyGet(origin, `${TOKENS}.readStanding`, { epoch: '9' })
  await expect(later).rejects.toMatchObject({ error: 'NotFound' })
  const none = { error: 'MethodNotImplemented' }
  for (const [method, asked] of [
    ['co.kendev.spaces.listSpaces', {}],
    ['co.kendev.tokens.readExchanges', { account: ben!.did }],
    ['com.atproto.space.listSpaces', {}],
  ] as const)
    await expect(anybodyGet(origin, method, asked)).rejects.toMatchObject(none)
  const document = (await (await fetch(`${origin}/.well-known/did.json`)).json()) as {
    service: { id: string }[]
  }
  expect(document.service.map(({ id }) => id)).toEqual(['#atproto_pds', '#angelos_validator'])
  expect(fourth.output()).toContain('It validates and does nothing else.')
})

test('a validator killed while sealed is sealed again, and goes over with the others', async () => {
  const third = network.nodes[2]!
  const { items } = await anybodyGet<{ items: { $bytes: string }[] }>(
    network.nodes[0]!.origin,
    'co.kendev.tokens.readEpochs',
  )
  expect(items).toHaveLength(2)
  const before = pay.readEpoch(items[1]!)
  const authorization = `Bearer ${await tokenFor(before.epoch.validators[2]!.did)}`
  const answer = await fetch(`${third.origin}/xrpc/co.kendev.tokens.closeEpoch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ epoch: 1, stage: 'seal' }),
  })
  expect(await answer.json()).toEqual({ phase: 'sealed' })
  await third.kill()
  await third.start()
  expect((await states(ben!.did))[2]).toMatchObject({ epoch: 1, phase: 'sealed' })
  await conduct(before, [])
  expect(await states(ben!.did)).toMatchObject(
    network.nodes.map(() => ({ balance: 4 * TOKEN, epoch: 2, phase: 'open' })),
  )
})

test('a validator that lies about the end of an epoch is outvoted, and its signature left out', async () => {
  const { items } = await anybodyGet<{ items: { $bytes: string }[] }>(
    network.nodes[0]!.origin,
    'co.kendev.tokens.readEpochs',
  )
  const before = pay.readEpoch(items[2]!)
  const bytes = (length: number) => ({ $bytes: toBytes(new Uint8Array(length)).$bytes })
  const { did: validator } = before.epoch.validators[3]!
  const lie = {
    stateRoot: bytes(32),
    settledRoot: bytes(32),
    settledCount: 0,
    supply: 1,
    burned: 0,
    signature: { validator, signature: bytes(64) },
  }
  network.gate = ({ url }) => (/conclude|signEpoch/.test(url) ? Promise.resolve(lie) : 'forward')
  const next = await conduct(before, [])
  expect(next.epoch.signatures.map((one) => one.validator)).not.toContain(validator)
  expect(await states(ben!.did)).toMatchObject(
    network.nodes.map(() => ({ balance: 4 * TOKEN, epoch: 3, phase: 'open' })),
  )
  network.gate = () => 'forward'
})

test('a node that has left signs no more; what its people write is certified by those that go on', async () => {
  const [one, two] = network.nodes
  const { items } = await anybodyGet<{ items: { $bytes: string }[] }>(
    one!.origin,
    `${TOKENS}.readEpochs`,
  )
  const before = pay.readEpoch(items[3]!)
  const stay = before.epoch.validators.filter((_, n) => n !== 1)
  const next = await conduct(before, [], stay)
  const written = await payments({ nodes: [two!] }, ben!).write(ada!.did, TOKEN, {
    genesis,
    epoch: next,
    state: { seq: 0 },
  })
  const balances = async () => {
    const found = await states(ada!.did)
    return found.filter((_, n) => n !== 1).map(({ balance }) => balance)
  }
  await expect.poll(balances, SOON).toEqual(stay.map(() => 7 * TOKEN))
  const [, left] = await states(ada!.did)
  expect(left).toMatchObject({ epoch: 3, phase: 'sealed', balance: 6 * TOKEN })
  const peer = remoteValidator(fetch, before.epoch.validators[1]!, genesis.id, written)
  expect(await peer.submit()).toMatchObject({ reason: 'LedgerUnknown' })
  const source = httpSeals(fetch, genesis.id, () => before.epoch.validators)
  expect(await source.seal(before.epoch.validators[1]!.did, 3)).toMatchObject({ transfers: [] })
  const known = await anybodyGet<{ items: unknown[] }>(two!.origin, `${TOKENS}.readEpochs`)
  expect(known.items).toHaveLength(5)
  const keysOf = (collection: string) => async () => {
    const asked = { repo: 'node.node1.test', collection: `${TOKENS}.${collection}` }
    type Listed = { records: { uri: string }[] }
    const list = await anybodyGet<Listed>(one!.origin, 'com.atproto.repo.listRecords', asked)
    return list.records.map(({ uri }) => uri.split('/').at(-1)!).toSorted()
  }
  await expect.poll(keysOf('seal'), SOON).toEqual(['at.0', 'at.1', 'at.2', 'at.3'])
  await expect.poll(keysOf('checkpoint'), SOON).toContain('at.3.1')
})

test('persons are counted by vouches, and an award of karma becomes tokens when it is witnessed', async () => {
  const people = { ada: ada!, ben: ben!, governor: governor! }
  await mintingStory({
    network,
    genesis,
    ...people,
    conduct: (before, decided) =>
      decide(before, { ...decided, validators: before.epoch.validators }),
  })
})
