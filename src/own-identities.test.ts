import { expect, test } from 'vitest'
import { IdentityUnavailable } from './identity/fetch-document.ts'
import type { Identity } from './identity/identity.ts'
import { silentLog } from './log.ts'
import { ownIdentitiesFirst } from './own-identities.ts'
import type { OwnAccount } from './pds/own-account.ts'

const PDS = 'https://own.example.net'
const ADA = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const HERE = { signingKey: 'did:key:zHere', handle: 'ada.example.net', active: true }

/** The own PDS with one account, and a directory, both as a test says. */
function node(own: OwnAccount | undefined, directory: () => Promise<Identity | undefined>) {
  const state = { own, now: 0, asked: 0 }
  const resolver = ownIdentitiesFirst({
    resolver: {
      resolve: () => {
        state.asked += 1
        return directory()
      },
    },
    own: async () => state.own,
    pds: PDS,
    clock: { now: () => new Date(state.now) },
    log: silentLog,
  })
  return { state, resolve: (how?: { refresh: boolean }) => resolver.resolve(ADA, how) }
}

const document = (news: Partial<Identity> = {}): Identity => ({
  did: ADA,
  signingKey: HERE.signingKey,
  pds: PDS,
  document: { id: ADA },
  ...news,
})
const down = () => Promise.reject(new IdentityUnavailable(ADA, 'down'))
const never = () => new Promise<undefined>(() => undefined)

test.each([
  ['down', down],
  ['silent', never],
])('an own account is known with the directory %s', async (_, directory) => {
  const { resolve } = node(HERE, directory)
  const known = { did: ADA, signingKey: HERE.signingKey, pds: PDS, handle: HERE.handle }
  expect(await resolve()).toMatchObject(known)
  expect(await resolve({ refresh: true })).toMatchObject(known)
})

test('an account that has left is known where it is, once the directory has said so', async () => {
  const there = document({ pds: 'https://there.example.net', signingKey: 'did:key:zThere' })
  const { resolve } = node(HERE, async () => there)
  await resolve()
  expect(await resolve()).toEqual(there)
})

test('an account that is not active here is asked for first, and known here in an outage', async () => {
  const there = document({ pds: 'https://there.example.net' })
  expect(await node({ ...HERE, active: false }, async () => there).resolve()).toEqual(there)
  expect(await node({ ...HERE, active: false }, down).resolve()).toMatchObject({ pds: PDS })
})

test('an account of elsewhere is left to the directory', async () => {
  const there = document({ pds: 'https://there.example.net' })
  expect(await node(undefined, async () => there).resolve()).toEqual(there)
  await expect(node(undefined, down).resolve()).rejects.toThrow(IdentityUnavailable)
})

test('the directory is asked about an own account now and then, not each time', async () => {
  const { state, resolve } = node(HERE, async () => document())
  for (let n = 0; n < 50; n += 1) await resolve()
  expect(state.asked).toBe(1)
  state.now += 11 * 60_000
  await resolve()
  expect(state.asked).toBe(2)
})
