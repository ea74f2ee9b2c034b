import { expect, test } from 'vitest'
import { createAudit } from './audit.ts'
import { createMemoryStore } from './memory-store.ts'

const DID = 'did:web:alice.test'
const PDS = 'https://pds.test'
const now = new Date('2026-11-23T12:00:00Z')

test('an account that its host lists as deleted is deleted, though it was away before', async () => {
  const { store, audit } = await audited('deactivated', { active: false, status: 'deleted' })
  await audit.listed(PDS, [{ did: DID, rev: '', active: false, status: 'deleted' }])
  expect((await store.standings([DID])).get(DID)?.upstream).toBe('deleted')
})

test('an account that its host lists as it is known is not asked after', async () => {
  const { audit, asked } = await audited('deactivated', { active: false, status: 'deactivated' })
  await audit.listed(PDS, [{ did: DID, rev: '', active: false, status: 'deactivated' }])
  expect(asked).toEqual([])
})

test('an account that its host does not know is hidden, and what is held of it stays', async () => {
  const { store, audit } = await audited('active', undefined)
  await audit.account(DID)
  expect((await store.standings([DID])).get(DID)?.upstream).toBe('deactivated')
})

test('a host that keeps a repo back and calls its account active is given its time', async () => {
  const { store, audit } = await audited('active', { active: true })
  await store.claim({ limit: 1, now })
  const retryAt = new Date(now.getTime() + 3_600_000)
  const failure = { reason: 'RepoNotFound', retryAt, upstream: 'deactivated' }
  await store.resyncFailed(DID, failure)
  await audit.account(DID)
  const { upstream, at, attempts } = store.dump().accounts[0]!
  expect({ upstream, at, attempts }).toEqual({ upstream: 'unconfirmed', at: retryAt, attempts: 1 })
})

test('an account that was away when something was missed is looked for', async () => {
  const { store, audit } = await audited('deactivated', { active: false, status: 'deactivated' })
  await audit.doubt([DID])
  const { upstream, state, at } = store.dump().accounts[0]!
  expect({ upstream, state, at }).toEqual({
    upstream: 'unconfirmed',
    state: 'desynchronized',
    at: now,
  })
})

/** A store that knows one account under a status, and an audit whose host says another. */
async function audited(known: string, told: { active: boolean; status?: string } | undefined) {
  const clock = { now: () => now }
  const store = createMemoryStore({ clock })
  await store.follow({ did: DID, pds: PDS })
  const time = now.toISOString()
  const active = known === 'active'
  const event = { kind: 'account', seq: 1, did: DID, active, status: known, time } as const
  await store.apply({ host: PDS, events: [event] })
  const asked: string[] = []
  const audit = createAudit({
    store,
    api: {
      repoStatus: async (_, did) => {
        asked.push(did)
        return told
      },
    },
    resolver: {
      resolve: async (did) => ({ did, signingKey: '', pds: PDS, document: { id: did } }),
    },
    serviceOf: (pds) => pds,
    graceMs: 0,
    onFresh: async () => undefined,
    applied: () => undefined,
    timers: {
      ...clock,
      sleep: async () => undefined,
      breathe: async () => undefined,
      random: () => 0,
    },
    signal: new AbortController().signal,
  })
  return { store, audit, asked }
}
