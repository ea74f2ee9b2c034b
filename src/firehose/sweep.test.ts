import { expect, test } from 'vitest'
import { silentLog } from '../log.ts'
import { createMemoryStore } from './memory-store.ts'
import type { HostRow } from './store.ts'
import { sweep } from './sweep.ts'

const HOST = 'https://pds.test'
const now = new Date('2026-11-23T12:00:00Z')
const row: HostRow = {
  host: HOST,
  kind: 'pds',
  namedBy: 'config',
  whole: true,
  banned: null,
  listing: { cursor: null, done: true },
}

test('a whole host is asked for its list, and accounts it calls deactivated are looked up', async () => {
  const store = createMemoryStore({ clock: { now: () => now } })
  const repos = [
    { did: 'did:web:here.test', rev: '', active: true },
    { did: 'did:web:gone.test', rev: '', active: false, status: 'deactivated' },
    { did: 'did:web:hidden.test', rev: '', active: false, status: 'takendown' },
  ]
  await store.saveHost(row)
  await store.noteRepos(HOST, repos, row.listing)
  await store.noteRepos(
    HOST,
    [{ did: 'did:web:unlisted.test', rev: '', active: true }],
    row.listing,
  )
  const time = now.toISOString()
  const told = { kind: 'account' as const, time, active: false }
  await store.apply({
    host: HOST,
    events: [
      { ...told, seq: 1, did: 'did:web:gone.test', status: 'deactivated' },
      { ...told, seq: 2, did: 'did:web:hidden.test', status: 'takendown' },
    ],
  })
  const stop = new AbortController()
  const asked: string[] = []
  let questions = 0
  await sweep({
    store,
    api: { listRepos: async () => ({ items: repos }) },
    audit: {
      listed: async () => undefined,
      account: async (did) => void asked.push(did),
      doubt: async () => undefined,
    },
    log: silentLog,
    serviceOf: (host) => host,
    hosts: () => [row],
    followed: () => [],
    everyMs: 1,
    accountsPerHost: 100,
    timers: {
      now: () => now,
      sleep: async () => {
        questions += 1
        if (questions > 3) stop.abort()
      },
      breathe: async () => undefined,
      random: () => 0,
    },
    signal: stop.signal,
  })
  expect(asked).toEqual(['did:web:gone.test', 'did:web:unlisted.test'])
})
