import { encode } from '@atcute/cbor'
import { P256Keypair } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { flipS } from '../../src/crypto/low-s.ts'
import { decodeFrame } from '../../src/firehose/frame.ts'
import { verifyCommit } from '../../src/firehose/verify.ts'
import { FakeRepo, type Tampering, cidOf } from './fake-repo.ts'
import { falseCars, withMoreBlocks } from './false-cars.ts'
import { falseOps } from './false-ops.ts'
import { type Lie, lies } from './lies.ts'
import { malformations } from './malformations.ts'
import { nested, writeRaw } from './tampering.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const COLLECTION = 'co.kendev.test.note'
const repo = await FakeRepo.create(DID, notes(0, 60))
const everything: Lie[] = [...lies, ...falseOps, ...falseCars, ...malformations]
let counter = 1000

test('a commit that creates, updates and deletes is an event with its records', async () => {
  const frame = await repo.write(7, [
    { action: 'create', collection: COLLECTION, rkey: 'new', record: { text: 'new' } },
    { action: 'update', collection: COLLECTION, rkey: 'note1', record: { text: 'changed' } },
    { action: 'delete', collection: COLLECTION, rkey: 'note2' },
    { action: 'create', collection: 'app.bsky.feed.like', rkey: 'like', record: { text: 'x' } },
  ])
  const verdict = judge(frame)
  if (!verdict.ok) throw new Error(verdict.reason)
  expect(verdict.event).toMatchObject({ kind: 'commit', seq: 7, did: DID, data: repo.data })
  expect(verdict.event.writes.map((write) => [write.action, write.rkey])).toEqual([
    ['create', 'new'],
    ['update', 'note1'],
    ['delete', 'note2'],
  ])
  const [created, , removed] = verdict.event.writes
  const bytes = encode({ text: 'new' })
  expect(created?.cid).toBe(cidOf(bytes).$link)
  expect(Buffer.from(created?.bytes ?? [])).toEqual(Buffer.from(bytes))
  expect(removed).toMatchObject({ cid: null, bytes: null })
})

test('a commit without operations is an event without writes', async () => {
  expect(judge(await repo.write(1, []))).toMatchObject({ ok: true, event: { writes: [] } })
})

for (const { what, reason, moved, tampering } of everything) {
  test(`a commit that ${what} is refused as ${reason}, and the next one is taken`, async () => {
    const frame = await repo.write(1, [note(next())], tampering())
    const verdict = judge(frame)
    expect(verdict).toMatchObject({ ok: false, reason })
    expect('moved' in verdict && verdict.moved).toBe(moved ?? false)
    expect(judge(await repo.write(2, [note(next())]))).toMatchObject({ ok: true })
  })
}

test('blocks told twice and one that nothing needs change nothing', async () => {
  const frame = await repo.write(1, [note(next())], { car: withMoreBlocks })
  const verdict = judge(frame)
  if (!verdict.ok) throw new Error(verdict.reason)
  expect(verdict.event.writes.map(({ action }) => action)).toEqual(['create'])
})

test('a commit that hides one of its two writes is refused, whichever it is', async () => {
  for (const hidden of [0, 1]) {
    const remove = { action: 'delete', collection: COLLECTION, rkey: `note${40 + hidden}` } as const
    const frame = await repo.write(1, [note(next()), remove], {
      parts: (parts) => void parts.ops.splice(hidden, 1),
    })
    expect(judge(frame)).toMatchObject({ ok: false, reason: 'BadInversion', moved: true })
  }
})

test('a commit with 200 operations is taken, and with one of them left out refused', async () => {
  const big = await FakeRepo.create(DID, notes(0, 300), repo.key)
  const writes = Array.from({ length: 200 }, (_, n) => {
    const collection = COLLECTION
    if (n < 100) return note(300 + n)
    if (n < 150) return { action: 'delete', collection, rkey: `note${n}` } as const
    return { action: 'update', collection, rkey: `note${n}`, record: { text: 'other' } } as const
  })
  const parts = await big.commit(writes)
  const verdict = judge(await big.frame(1, parts))
  if (!verdict.ok) throw new Error(verdict.reason)
  expect(verdict.event.writes.length).toBe(200)
  for (const at of [0, 99, 100, 149, 150, 199]) {
    const ops = parts.ops.toSpliced(at, 1)
    const frame = await big.frame(2, { ...parts, ops })
    expect(judge(frame)).toMatchObject({ ok: false, reason: 'BadInversion' })
  }
})

test('the first commit of a repo names no tree before, and the tree was empty', async () => {
  const young = await FakeRepo.create(DID, [], repo.key)
  const parts = await young.commit([note(1), note(2)])
  const first = { ...parts, since: null, prevData: null }
  expect(judge(await young.frame(1, first))).toMatchObject({
    ok: true,
    event: { since: null, prevData: null },
  })
  const hidden = { ...first, ops: first.ops.slice(1) }
  expect(judge(await young.frame(1, hidden))).toMatchObject({ reason: 'BadInversion' })
})

test('an account with a P-256 key is verified just so, high s and other keys refused', async () => {
  const key = await P256Keypair.create()
  const other = await FakeRepo.create(DID, notes(0, 5), key)
  const frame = async (tampering?: Tampering) => other.write(1, [note(next())], tampering)
  const by = (bytes: Uint8Array) => judge(bytes, other.identity())
  expect(by(await frame())).toMatchObject({ ok: true })
  const high = { signature: (signature: Uint8Array) => flipS('p256', signature) }
  expect(by(await frame(high))).toMatchObject({ reason: 'BadSignature' })
  expect(by(await frame({ key: repo.key }))).toMatchObject({ reason: 'BadSignature' })
  expect(judge(await frame())).toMatchObject({ reason: 'BadSignature' })
})

test('a record nested exactly 32 deep is taken', async () => {
  const tampering = writeRaw(Buffer.concat([Buffer.from([0xa1, 0x61, 0x61]), nested(31)]))
  expect(judge(await repo.write(1, [note(next())], tampering))).toMatchObject({ ok: true })
})

test('no single changed byte of a commit frame gets another event through', async () => {
  const frame = await repo.write(9, [
    note(next()),
    { action: 'delete', collection: COLLECTION, rkey: 'note3' },
  ])
  const truth = judge(frame)
  if (!truth.ok) throw new Error(truth.reason)
  const { did, data, prevData, rev, writes } = structuredClone(truth.event)
  for (let at = 0; at < frame.length; at += 1) {
    const changed = Uint8Array.from(frame)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    const verdict = judge(changed)
    if (!verdict.ok) continue
    // Number, time and `since` are the host's own word; all else is signed or follows from it.
    const event = structuredClone(verdict.event)
    expect(event).toMatchObject({ did, data, prevData, rev, writes })
  }
})

function judge(frame: Uint8Array, identity = repo.identity()) {
  const decoded = decodeFrame(frame)
  if (decoded.kind === 'refused') return decoded.refusal
  if (decoded.kind !== 'message' || decoded.message.kind !== 'commit') {
    return { ok: false, reason: 'BadFrame' } as const
  }
  return verifyCommit({
    message: decoded.message,
    identity,
    now: new Date(),
    collections: (nsid) => nsid.startsWith('co.kendev.'),
  })
}

function next(): number {
  counter += 1
  return counter
}

function note(number: number) {
  const record = { text: `note ${number}` }
  return { action: 'create', collection: COLLECTION, rkey: `note${number}`, record } as const
}

function notes(from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => note(from + index))
}
