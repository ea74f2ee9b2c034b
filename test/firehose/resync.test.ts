import { expect, test } from 'vitest'
import { fetchRepo } from '../../src/firehose/resync.ts'
import { FakeRepo, type Tampering } from './fake-repo.ts'

const NOTE = 'co.kendev.spaces.message'

async function repoAsServed(tampering: Tampering = {}) {
  const repo = await FakeRepo.create('did:plc:ada')
  const writes = Array.from({ length: 60 }, (_, n) => ({
    action: 'create' as const,
    collection: n % 3 === 0 ? 'app.bsky.feed.post' : NOTE,
    rkey: `3m6bkl22222${String(n + 22).padStart(2, '2')}`,
    record: { text: `note ${n}` },
  }))
  const { car } = await repo.car(await repo.commit(writes), tampering)
  return { repo, car }
}

function fetched(repo: FakeRepo, body: Uint8Array, status = 200) {
  return fetchRepo({
    identity: repo.identity(),
    service: 'https://pds.example.net',
    outbound: async () => new Response(Buffer.from(body), { status }),
    collections: (nsid) => nsid === NOTE,
    now: new Date(Date.now() + 1000),
  })
}

test('a whole repo is verified and read, the collections asked for only', async () => {
  const { repo, car } = await repoAsServed()
  const read = await fetched(repo, car)
  if (!read.ok) throw new Error(read.detail)
  expect(read.data).toBe(repo.data)
  expect(read.records).toHaveLength(40)
  expect(new Set(read.records.map((w) => w.collection))).toEqual(new Set([NOTE]))
  const rkeys = read.records.map((w) => w.rkey)
  expect(rkeys).toEqual(rkeys.toSorted())
})

test('a repo signed by another key is refused', async () => {
  const { key } = await FakeRepo.create('did:plc:eve')
  const { repo, car } = await repoAsServed({ key })
  expect(await fetched(repo, car)).toMatchObject({ ok: false, reason: 'BadSignature' })
})

test('a repo with a part of its tree or a record left out is refused', async () => {
  const { repo } = await repoAsServed()
  const parts = await repo.commit([
    { action: 'create', collection: NOTE, rkey: '3m6bkl2222zzz', record: { text: 'last' } },
  ])
  // Of a later commit's slice, most of the tree is missing.
  const slice = await repo.car(parts)
  const outcome = await fetched(repo, slice.car)
  expect(outcome.ok ? 'accepted' : outcome.reason).toMatch(/^Missing(TreeNode|Record)$/)
})

test('an account that its PDS does not serve is refused, not taken for empty', async () => {
  const { repo } = await repoAsServed()
  expect(await fetched(repo, new Uint8Array(), 400)).toMatchObject({ reason: 'MissingCommit' })
})
