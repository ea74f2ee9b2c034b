import { expect, test } from 'vitest'
import { createAudit } from './audit.ts'
import { type MemoryStore, createMemoryStore } from './memory-store.ts'

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

test('an account that was deleted and is there again at its host, though away, is no longer deleted', async () => {
  const away = { active: false, status: 'suspended' }
  const { store, audit } = await audited('deleted', away)
  await audit.listed(PDS, [{ did: DID, rev: '', ...away }])
  expect((await store.standings([DID])).get(DID)?.upstream).toBe('suspended')
})

test('a deleted account that its host does not know stays deleted', async () => {
  const { store, audit } = await audited('deleted', undefined)
  await audit.account(DID)
  expect((await store.standings([DID])).get(DID)?.upstream).toBe('deleted')
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

test('what a host answers of an account that moves before it has answered counts no more', async () => {
  const elsewhere = 'https://elsewhere.test'
  const away = { active: false, status: 'deactivated' }
  const { store, audit } = await audited('active', away, async (known) => {
    await known.follow({ did: DID, pds: elsewhere })
  })
  await audit.account(DID)
  const { upstream, pds } = (await store.standings([DID])).get(DID)!
  expect({ upstream, pds }).toEqual({ upstream: 'active', pds: elsewhere })
})

/** A store that knows one account under a status, and an audit whose host says another, after what
 *  happens `meanwhile`. */
async function audited(
  known: string,
  told: { active: boolean; status?: string } | undefined,
  meanwhile?: (store: MemoryStore) => Promise<void>,
) {
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
        await meanwhile?.(store)
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
