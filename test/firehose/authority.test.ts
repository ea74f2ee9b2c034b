import { expect, test } from 'vitest'
import { IdentityUnavailable } from '../../src/identity/fetch-document.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { FakeRepo, type Tampering, encodeFrame } from './fake-repo.ts'
import { PDS, hear } from './scripted.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const ALICE = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const ELSEWHERE = 'https://elsewhere.example.net'
const RELAY = 'https://relay.example.net'
const DELETED = { did: ALICE, time: TIME, active: false, status: 'deleted' }

const note = { action: 'create', collection: 'co.kendev.test.note', rkey: 'a' } as const

type Hearing = Parameters<typeof hear>[1]

/** What is made of one frame of a host. */
async function made(
  frame: Uint8Array,
  resolve: (did: string, refresh: boolean) => Promise<Identity | undefined>,
  options: Hearing = {},
) {
  const heard = hear(resolve, options)
  await heard.run(10)
  heard.send(frame)
  await heard.run(30_000)
  return heard.events
}

async function tampered(tampering: Tampering, pds: string, options: Hearing = {}) {
  const alice = await FakeRepo.create(ALICE)
  const frame = await alice.write(1, [note], tampering)
  return made(frame, async () => alice.identity(pds), options)
}

const tooBig: Tampering = { message: (m) => void (m['tooBig'] = true) }
const tooMany: Tampering = {
  message: (m) => void (m['ops'] = Array.from({ length: 201 }, () => (m['ops'] as object[])[0])),
}
const badCar: Tampering = { car: (bytes) => bytes.subarray(0, -3) }

test.each([
  ['says it is too big', 'TooBig', tooBig],
  ['has too many operations', 'TooManyOps', tooMany],
  ['has a broken CAR', 'BadCar', badCar],
] as const)(
  'a commit that %s has the repo fetched, when its own PDS sent it',
  async (_, reason, t) => {
    expect(await tampered(t, PDS)).toMatchObject([{ kind: 'refused', reason, moved: true }])
  },
)

test('what another host or a relay sends of it does not', async () => {
  for (const tampering of [tooBig, tooMany, badCar]) {
    const [elsewhere] = await tampered(tampering, ELSEWHERE)
    expect(elsewhere).toMatchObject({ kind: 'refused' })
    expect(elsewhere).not.toHaveProperty('moved')
    const relay = { kind: 'relay', authoritative: () => true } as const
    const [relayed] = await tampered(tampering, PDS, relay)
    expect(relayed).toMatchObject({ kind: 'refused' })
  }
})

test('a frame that is too large is known by its account, and has the repo fetched', async () => {
  const big: Tampering = { message: (m) => void (m['blobs'] = ['x'.repeat(5_000_001)]) }
  expect(await tampered(big, PDS)).toMatchObject([
    { kind: 'refused', reason: 'FrameTooLarge', did: ALICE, moved: true },
  ])
})

test('the host that an account has left has no say about its status', async () => {
  const alice = await FakeRepo.create(ALICE)
  const frame = encodeFrame('#account', { seq: 1, ...DELETED })
  // The document in the cache still names the old host; the one fetched now does not.
  const fresh: string[] = []
  const resolve = async (_: string, refresh: boolean) => alice.identity(refresh ? ELSEWHERE : PDS)
  const onFresh = async ({ pds }: Identity) => void fresh.push(pds)
  expect(await made(frame, resolve, { onFresh })).toMatchObject([
    { kind: 'refused', reason: 'NotAuthoritative' },
  ])
  expect(fresh).toEqual([ELSEWHERE])
})

test('of an account without a document, its last host and no other says that it is gone', async () => {
  const frame = encodeFrame('#account', { seq: 1, ...DELETED })
  for (const [home, kind] of [
    [PDS, 'account'],
    [ELSEWHERE, 'refused'],
    [null, 'refused'],
  ] as const) {
    const events = await made(frame, async () => undefined, { homeOf: async () => home })
    expect(events).toMatchObject([{ kind }])
  }
})

test('a relay is believed that an account is deleted, with the directory down', async () => {
  const frame = encodeFrame('#account', { seq: 1, ...DELETED })
  const down = () => Promise.reject(new IdentityUnavailable(ALICE, 'down'))
  expect(await made(frame, down, { kind: 'relay', host: RELAY })).toMatchObject([
    { kind: 'account', status: 'deleted' },
  ])
})

test('what a relay says takes an account away only until its home was asked', async () => {
  const alice = await FakeRepo.create(ALICE)
  const here = async () => alice.identity(PDS)
  const down = () => Promise.reject(new IdentityUnavailable(ALICE, 'down'))
  const told = async (resolve: typeof here, status: object) => {
    const frame = encodeFrame('#account', { seq: 1, did: ALICE, time: TIME, ...status })
    return made(frame, resolve, { kind: 'relay', host: RELAY })
  }
  for (const resolve of [here, down]) {
    for (const status of [{ status: 'deactivated' }, { status: 'takendown' }, {}])
      expect(await told(resolve, { active: false, ...status })).toMatchObject([
        { kind: 'account', active: false, status: 'unconfirmed' },
      ])
    expect(await told(resolve, { active: true })).toMatchObject([{ active: true }])
  }
})

test('with the directory down the own PDS is believed what it says of an account it has', async () => {
  const frame = encodeFrame('#account', { seq: 1, ...DELETED })
  const down = () => Promise.reject(new IdentityUnavailable(ALICE, 'down'))
  const homeOf = async () => PDS
  expect(await made(frame, down, { own: true, homeOf })).toMatchObject([{ kind: 'account' }])
  expect(await made(frame, down, { homeOf })).toMatchObject([{ kind: 'lost' }])
})

test('with the directory down whoever is deactivated may have moved, and is looked for', async () => {
  const told = { did: ALICE, time: TIME, active: false, status: 'deactivated' }
  const frame = encodeFrame('#account', { seq: 1, ...told })
  const down = () => Promise.reject(new IdentityUnavailable(ALICE, 'down'))
  const own = { own: true, homeOf: async () => PDS } as const
  for (const options of [own, { kind: 'relay', host: RELAY } as const])
    expect(await made(frame, down, options)).toMatchObject([{ status: 'unconfirmed' }])
  const alice = await FakeRepo.create(ALICE)
  const here = async () => alice.identity(PDS)
  expect(await made(frame, here, own)).toMatchObject([{ status: 'deactivated' }])
})

test('a host where an account does not live cannot have it fetched while nobody knows it', async () => {
  const frame = encodeFrame('#identity', { seq: 1, did: ALICE, time: TIME })
  const down = () => Promise.reject(new IdentityUnavailable(ALICE, 'down'))
  expect(await made(frame, down, { homeOf: async () => ELSEWHERE })).toMatchObject([
    { kind: 'refused', reason: 'IdentityUnavailable' },
  ])
  expect(await made(frame, down, { homeOf: async () => null })).toMatchObject([{ kind: 'lost' }])
})
