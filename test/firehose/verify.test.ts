import { encode } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { decodeFrame } from '../../src/firehose/frame.ts'
import { verifyCommit } from '../../src/firehose/verify.ts'
import { FakeRepo, cidOf } from './fake-repo.ts'
import { lies } from './lies.ts'
import { malformations } from './malformations.ts'
import { nested, writeRaw } from './tampering.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const COLLECTION = 'co.kendev.test.note'
const repo = await FakeRepo.create(DID, notes(0, 60))
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

for (const { what, reason, tampering } of [...lies, ...malformations]) {
  test(`a commit that ${what} is refused as ${reason}, and the next one is taken`, async () => {
    const frame = await repo.write(1, [note(next())], tampering())
    expect(judge(frame)).toMatchObject({ ok: false, reason })
    expect(judge(await repo.write(2, [note(next())]))).toMatchObject({ ok: true })
  })
}

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
  const [one] = truth.event.writes
  const written = { rkey: one?.rkey, cid: one?.cid, bytes: Buffer.from(one?.bytes ?? []) }
  for (let at = 0; at < frame.length; at += 1) {
    const changed = Uint8Array.from(frame)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    const verdict = judge(changed)
    if (!verdict.ok) continue
    // The envelope is the host's own word: only what the account has signed cannot change.
    const { did, data, rev } = verdict.event
    expect({ did, data, rev }).toEqual({ did: DID, data: truth.event.data, rev: truth.event.rev })
    // A removed key that was never there is true as well, so only written records are compared.
    for (const { rkey, cid, bytes } of verdict.event.writes) {
      if (bytes === null) continue
      expect({ rkey, cid, bytes: Buffer.from(bytes) }).toEqual({ ...written })
    }
  }
})

function judge(frame: Uint8Array) {
  const decoded = decodeFrame(frame)
  if (decoded.kind === 'refused') return decoded.refusal
  if (decoded.kind !== 'message' || decoded.message.kind !== 'commit') {
    return { ok: false, reason: 'BadFrame' } as const
  }
  return verifyCommit({
    message: decoded.message,
    identity: repo.identity(),
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
