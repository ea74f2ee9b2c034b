import { expect, test } from 'vitest'
import { inlineVerifier } from '../../src/firehose/verifier.ts'
import { IdentityUnavailable } from '../../src/identity/fetch-document.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { FakeRepo, encodeFrame } from './fake-repo.ts'
import { hear } from './scripted.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const ALICE = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const BOB = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'

const never = new Promise<undefined>(() => undefined)
const note = (rkey: string) =>
  ({ action: 'create', collection: 'co.kendev.test.note', rkey, record: { text: rkey } }) as const
const write = (repo: FakeRepo, seq: number) => repo.write(seq, [note(`n${seq}`)])
const brief = (events: readonly { kind: string; seq: number }[]) =>
  events.map(({ kind, seq }) => `${kind} ${seq}`)

/** Alice and Bob, and a resolver that answers for Alice only while it is told to. */
async function people() {
  const [alice, bob] = [await FakeRepo.create(ALICE), await FakeRepo.create(BOB)]
  const state = { alice: 'hangs' as 'hangs' | 'fails' | 'answers' }
  const resolve = (did: string): Promise<Identity | undefined> => {
    if (did === BOB) return Promise.resolve(bob.identity())
    if (state.alice === 'answers') return Promise.resolve(alice.identity())
    return state.alice === 'hangs' ? never : Promise.reject(new IdentityUnavailable(did, 'down'))
  }
  return { alice, bob, state, resolve }
}

test.each(['hangs', 'fails'] as const)(
  'an account whose directory %s delays no other, and the cursor goes on when it is let go',
  async (how) => {
    const { alice, bob, state, resolve } = await people()
    state.alice = how
    const heard = hear(resolve)
    await heard.run(10)
    heard.send(await write(alice, 1), await write(bob, 2), await write(alice, 3))
    heard.send(await write(bob, 4))
    await heard.run(5_000)
    expect(brief(heard.events)).toEqual(['commit 2', 'commit 4'])
    expect(heard.cursors).toEqual([])
    await heard.run(7_000)
    expect(brief(heard.events)).toEqual(['commit 2', 'commit 4', 'lost 3'])
    expect(heard.cursors).toEqual([4])
  },
)

test('an account that was let go makes nothing wait, and is taken again when it is known', async () => {
  const { alice, bob, state, resolve } = await people()
  const heard = hear(resolve)
  await heard.run(10)
  heard.send(await write(alice, 1))
  await heard.run(11_000)
  state.alice = 'fails'
  heard.send(await write(alice, 2), await write(bob, 3))
  await heard.run(10)
  expect(brief(heard.events)).toEqual(['lost 1', 'lost 2', 'commit 3'])
  state.alice = 'answers'
  await heard.run(6_000)
  heard.send(await write(alice, 4))
  await heard.run(10)
  heard.send(await write(alice, 5))
  await heard.run(2_000)
  expect(brief(heard.events).at(-1)).toBe('commit 5')
  expect(heard.cursors.at(-1)).toBe(5)
})

test('an account that piles up is let go at once', async () => {
  const { alice, resolve } = await people()
  const heard = hear(resolve, { limits: { laneFrames: 5 } })
  await heard.run(10)
  for (let seq = 1; seq <= 6; seq += 1) heard.send(await write(alice, seq))
  await heard.run(1_000)
  expect(brief(heard.events)).toEqual(['lost 6'])
})

test('waiting accounts are let go when they leave no room for others', async () => {
  const { bob, resolve } = await people()
  const heard = hear(resolve, { limits: { queued: 10 } })
  await heard.run(10)
  const letters = Array.from('acdefghijklm')
  for (const [n, letter] of letters.entries()) {
    const stranger = await FakeRepo.create(`did:plc:${letter.repeat(24)}`)
    heard.send(await write(stranger, n + 1))
  }
  heard.send(await write(bob, 20))
  expect(heard.transport.isPaused('https://pds.example.net')).toBe(true)
  await heard.run(1_000)
  const lost = heard.events.filter(({ kind }) => kind === 'lost')
  expect(lost.length).toBeGreaterThan(0)
  expect(lost.length).toBeLessThan(letters.length)
  expect(brief(heard.events)).toContain('commit 20')
  expect(heard.transport.isPaused('https://pds.example.net')).toBe(false)
})

test('commits of one account are told in their order, whichever is verified first', async () => {
  const { alice, bob, state, resolve } = await people()
  state.alice = 'answers'
  const verifier = inlineVerifier({ collections: 'co.kendev.' })
  const slow = Promise.withResolvers<void>()
  const verify: typeof verifier.verify = async (job) => {
    if (job.message.seq === 1) await slow.promise
    return verifier.verify(job)
  }
  const heard = hear(resolve, { verifier: { ...verifier, verify } })
  await heard.run(10)
  heard.send(await write(alice, 1), await write(alice, 2), await write(bob, 3))
  await heard.run(2_000)
  expect(brief(heard.events)).toEqual(['commit 3'])
  slow.resolve()
  await heard.run(2_000)
  expect(brief(heard.events)).toEqual(['commit 3', 'commit 1', 'commit 2'])
  expect(heard.cursors.at(-1)).toBe(3)
})

test('a commit after an #identity is judged by the document fetched for it', async () => {
  const [before, after] = [await FakeRepo.create(ALICE), await FakeRepo.create(ALICE)]
  let known = before
  const asked: boolean[] = []
  const heard = hear(async (_, refresh) => {
    asked.push(refresh)
    if (refresh) known = after
    return known.identity()
  })
  await heard.run(10)
  heard.send(encodeFrame('#identity', { seq: 1, did: ALICE, time: TIME }))
  heard.send(await write(after, 2))
  await heard.run(2_000)
  expect(brief(heard.events)).toEqual(['identity 1', 'commit 2'])
  expect(asked).toEqual([true, false])
})

test('a stretch of other accounts costs one cursor while one waits', async () => {
  const { alice, bob, resolve } = await people()
  const heard = hear(resolve, { inScope: (did) => did === ALICE })
  await heard.run(10)
  heard.send(await write(bob, 1), await write(alice, 2))
  for (let seq = 3; seq < 500; seq += 1)
    heard.send(encodeFrame('#identity', { seq, did: BOB, time: TIME }))
  await heard.run(3_000)
  expect(heard.cursors).toEqual([1])
  await heard.run(10_000)
  expect(heard.cursors.at(-1)).toBe(499)
})
