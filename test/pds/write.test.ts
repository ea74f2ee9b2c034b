import { Readable } from 'node:stream'
import { type LexMap, parseCid } from '@atproto/lex'
import { XRPCError } from '@atproto/xrpc-server'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../src/log.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { createWriter, type Writer } from '../../src/pds/write.ts'
import { get, message, startMemoryPlc, startNode } from './network.ts'
import { type TestNode } from './network.ts'
import { subscribe } from './subscribe.ts'

let plc: Plc
let node: TestNode
let writer: Writer
let did: string
let users = 0

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
  writer = createWriter(node.pds, silentLog)
})
beforeEach(async () => {
  users += 1
  did = (await node.createUser(`user-${users}.test`)).did
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

const collection = message.$type
const rkey = '3lw4qc3hq7c2v'
const record: LexMap = { $type: collection, text: 'hello' }

const errorOf = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof XRPCError ? `${error.statusCode} ${error.error}` : String(error)
}
const read = async (key: string) =>
  (
    await get(
      node.url,
      `com.atproto.repo.getRecord?repo=${did}&collection=${collection}&rkey=${key}`,
    )
  ).body.value

test('a record the node writes is in the repo, on the firehose and in the account', async () => {
  const frames = subscribe(`${node.url}/xrpc/com.atproto.sync.subscribeRepos`)
  await frames.opened
  const written = await writer.createRecord({ did, collection, rkey, record })
  expect(written).toMatchObject({
    did,
    results: [{ uri: `at://${did}/${collection}/${rkey}` }],
  })
  expect(await read(rkey)).toEqual(record)
  const frame = await frames.find((body) => body.rev === written.rev)
  expect(frame).toMatchObject({ repo: did, ops: [{ action: 'create' }] })
  const head = await get(node.url, `com.atproto.sync.getLatestCommit?did=${did}`)
  expect(head.body).toEqual({ cid: written.commit, rev: written.rev })
  const listed = (await get(node.url, 'com.atproto.sync.listRepos')).body.repos
  expect(listed).toContainEqual(expect.objectContaining({ did, head: written.commit }))
  frames.close()
})

test('a record without a key gets a timestamp key, and without a type its collection', async () => {
  const { results } = await writer.createRecord({ did, collection, record: { text: 'bare' } })
  const key = results[0]!.uri.split('/').at(-1)!
  expect(key).toMatch(/^[2-7a-z]{13}$/)
  expect(await read(key)).toEqual({ $type: collection, text: 'bare' })
})

test('what the lexicon refuses is refused here as well, the field named', async () => {
  const bad = { text: 'x'.repeat(101) }
  await expect(writer.createRecord({ did, collection, record: bad })).rejects.toThrow('$.text')
  await expect(writer.putRecord({ did, collection, rkey, record: bad })).rejects.toThrow('$.text')
  const writes = [{ action: 'create', collection, record: bad } as const]
  await expect(writer.applyWrites({ did, writes })).rejects.toThrow('$.text')
  const odd = { $type: 'co.kendev.test.profile', text: 'x' }
  expect(await errorOf(writer.createRecord({ did, collection, record: odd }))).toBe(
    '400 InvalidRequest',
  )
  expect(await errorOf(writer.createRecord({ did, collection: 'x', record }))).toBe(
    '400 InvalidRequest',
  )
  expect(await errorOf(writer.createRecord({ did, collection, rkey: 'a/b', record }))).toBe(
    '400 InvalidRequest',
  )
})

test('a put creates, replaces, and changes nothing when the record is already there', async () => {
  const first = await writer.putRecord({ did, collection, rkey, record })
  const second = await writer.putRecord({ did, collection, rkey, record: { text: 'other' } })
  expect(second.rev > first.rev).toBe(true)
  const again = await writer.putRecord({ did, collection, rkey, record: { text: 'other' } })
  expect(again).toEqual(second)
  expect(await read(rkey)).toEqual({ $type: collection, text: 'other' })
})

test('a write against a record or commit that has moved on is an InvalidSwap', async () => {
  const first = await writer.putRecord({ did, collection, rkey, record, swapRecord: null })
  const { cid } = first.results[0]!
  const next = { did, collection, rkey, record: { text: 'next' } }
  expect(await errorOf(writer.putRecord({ ...next, swapRecord: null }))).toBe('400 InvalidSwap')
  const second = await writer.putRecord({ ...next, swapRecord: cid, swapCommit: first.commit })
  expect(await errorOf(writer.putRecord({ ...next, record, swapRecord: cid }))).toBe(
    '400 InvalidSwap',
  )
  expect(await errorOf(writer.putRecord({ ...next, swapRecord: cid }))).toBe('400 InvalidSwap')
  const stale = first.commit
  expect(await errorOf(writer.putRecord({ ...next, swapCommit: stale }))).toBe('400 InvalidSwap')
  expect(await errorOf(writer.createRecord({ did, collection, record, swapCommit: stale }))).toBe(
    '400 InvalidSwap',
  )
  const gone = { did, collection, rkey }
  expect(await errorOf(writer.deleteRecord({ ...gone, swapRecord: cid }))).toBe('400 InvalidSwap')
  expect(await errorOf(writer.deleteRecord({ ...gone, swapCommit: 'x' }))).toBe(
    '400 InvalidRequest',
  )
  await writer.deleteRecord({ ...gone, swapRecord: second.results[0]!.cid })
  expect(await read(rkey)).toBeUndefined()
})

test('deleting what is not there answers the present revision', async () => {
  const { rev, commit } = await writer.createRecord({ did, collection, record })
  const gone = await writer.deleteRecord({ did, collection, rkey })
  expect(gone).toMatchObject({ rev, commit, results: [{ cid: undefined }] })
})

test('a key in use and an absent record have their own errors', async () => {
  await writer.createRecord({ did, collection, rkey, record })
  expect(await errorOf(writer.createRecord({ did, collection, rkey, record }))).toBe(
    '400 RecordAlreadyExists',
  )
  const other = '3lw4qc3hq7c3v'
  const update = { action: 'update', collection, rkey: other, record } as const
  expect(await errorOf(writer.applyWrites({ did, writes: [update] }))).toBe('400 RecordNotFound')
  const remove = { action: 'delete', collection, rkey: other } as const
  expect(await errorOf(writer.applyWrites({ did, writes: [remove] }))).toBe('400 RecordNotFound')
})

test('several writes are one commit, all or nothing, in their order', async () => {
  await writer.createRecord({ did, collection, rkey, record })
  const create = { action: 'create', collection, rkey: '3lw4qc3hq7c3v', record } as const
  const bad = { action: 'update', collection, rkey, record: { text: 1 } } as const
  expect(await errorOf(writer.applyWrites({ did, writes: [create, bad] }))).toBe(
    '400 InvalidRequest',
  )
  expect(await read(create.rkey)).toBeUndefined()
  const remove = { action: 'delete', collection, rkey } as const
  const { results } = await writer.applyWrites({ did, writes: [create, remove] })
  expect(results.map(({ cid }) => cid !== undefined)).toEqual([true, false])
  expect(await errorOf(writer.applyWrites({ did, writes: [] }))).toBe('400 InvalidRequest')
  const many = Array.from(
    { length: 201 },
    () => ({ action: 'create', collection, record }) as const,
  )
  expect(await errorOf(writer.applyWrites({ did, writes: many }))).toBe('400 InvalidRequest')
})

test('a blob uploaded for an account is kept once a record names it', async () => {
  const bytes = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(30)])
  const image = await writer.uploadBlob({ did, content: bytes, mimeType: 'image/png' })
  expect(image).toMatchObject({ mimeType: 'image/gif', size: 36 })
  const streamed = await writer.uploadBlob({
    did,
    content: Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]),
    mimeType: 'image/gif',
  })
  expect(streamed.ref.toString()).toBe(image.ref.toString())
  await writer.createRecord({ did, collection, record: { text: 'look', image } })
  const cid = image.ref.toString()
  const served = await fetch(`${node.url}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${cid}`)
  expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes)
})

test('a blob too large, or never uploaded, is refused', async () => {
  const content = Buffer.alloc(100_001)
  expect(await errorOf(writer.uploadBlob({ did, content, mimeType: 'image/png' }))).toBe(
    '400 BlobTooLarge',
  )
  const ref = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  const image = { $type: 'blob', ref, mimeType: 'image/png', size: 5 }
  expect(
    await errorOf(writer.createRecord({ did, collection, record: { text: 'x', image } })),
  ).toBe('400 BlobNotFound')
})

test('an account that is unknown, deactivated or taken down is not written to', async () => {
  const { accountManager } = node.pds.ctx
  const create = () => errorOf(writer.createRecord({ did, collection, record }))
  const remove = () => errorOf(writer.deleteRecord({ did, collection, rkey }))
  const known = did as `did:plc:${string}`
  await accountManager.deactivateAccount(known)
  expect(await create()).toBe('400 AccountDeactivated')
  expect(await remove()).toBe('400 AccountDeactivated')
  await accountManager.activateAccount(known)
  await accountManager.takedownAccount(known, { applied: true, ref: 'test' })
  expect(await create()).toBe('400 AccountTakedown')
  const content = Buffer.from('x')
  expect(await errorOf(writer.uploadBlob({ did, content, mimeType: 'text/plain' }))).toBe(
    '400 AccountTakedown',
  )
  did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  expect(await create()).toBe('400 AccountNotFound')
})

test('writers of one repo at once all succeed', async () => {
  const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`)
  const all = await Promise.all(
    texts.map((text) => writer.createRecord({ did, collection, record: { text } })),
  )
  expect(new Set(all.map(({ rev }) => rev)).size).toBe(12)
  const list = await get(
    node.url,
    `com.atproto.repo.listRecords?repo=${did}&collection=${collection}`,
  )
  expect((list.body.records as unknown[]).length).toBe(12)
})
