import { readFile, readdir } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TypedBlobRef } from '@atproto/lex'
import type { SqlPool } from '../../src/database/sql.ts'
import { silentLog } from '../../src/log.ts'
import { linkedBlob, listLinkedBlobs, sweepBlobs } from '../../src/permissioned/blob-keeper.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { type PrivateBlobs, privateBlobs } from '../../src/pds/private-blob.ts'
import { createWriter } from '../../src/pds/write.ts'
import { type TestDatabase, pgliteDatabase } from '../database/pglite.ts'
import { spaceTables } from '../space-database.ts'
import { NOTE, SPACE, clear, errorOf, note, storeOn, testClock } from '../spaces/fixture.ts'
import { type TestNode, message, startMemoryPlc, startNode } from './network.ts'

const clock = testClock()
let plc: Plc
let node: TestNode
let did: string
let database: TestDatabase<unknown>
let pool: SqlPool
let bytes: PrivateBlobs
let store: ReturnType<typeof storeOn>

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
  did = (await node.createUser('ada.test')).did
  database = await pgliteDatabase()
  pool = await spaceTables(database)
  bytes = privateBlobs(node.pds)
})
beforeEach(async () => {
  await clear(pool)
  store = storeOn(pool, { clock, bytes })
})
afterAll(async () => {
  await database?.close()
  await node?.close()
  await plc?.close()
})

const upload = (text: string) =>
  createWriter(node.pds, silentLog).uploadBlob({
    did,
    content: Buffer.from(text),
    mimeType: 'image/x-test',
  })
const post = (rkey: string, image?: object) =>
  store.applyWrites({
    space: SPACE,
    did,
    writes: [
      {
        action: 'put',
        collection: NOTE,
        rkey,
        record: { ...note(rkey), ...(image && { image }) } as never,
      },
    ],
  })
const drop = (rkey: string) =>
  store.applyWrites({ space: SPACE, did, writes: [{ action: 'delete', collection: NOTE, rkey }] })
const publicly = (ref: TypedBlobRef) =>
  fetch(`${node.url}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${ref.ref.toString()}`)
const listed = async () =>
  (await (await fetch(`${node.url}/xrpc/com.atproto.sync.listBlobs?did=${did}`)).json()) as object
const kept = async (ref: TypedBlobRef) => {
  const stream = await bytes.read(did, ref.ref.toString())
  return stream && Buffer.concat(await Array.fromAsync(stream)).toString()
}
const linked = (ref: TypedBlobRef, space = SPACE) =>
  linkedBlob(pool, { space, did, cid: ref.ref.toString() })

test('a blob of a space record is kept and never public, in bytes or in name', async () => {
  const ref = await upload('a private picture')
  expect(await kept(ref)).toBeUndefined()
  await post('a', ref)
  expect(await kept(ref)).toBe('a private picture')
  expect(await linked(ref)).toEqual({ mimeType: 'image/x-test', size: 17 })
  expect(await linked(ref, 'at://did:plc:other/space/com.example.room/x')).toBeUndefined()
  expect((await publicly(ref)).status).toBe(400)
  expect(await listed()).toEqual({ cids: [] })
  const found = await filesWith('a private picture')
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(`/spaces/${did}/`)
  expect(await listLinkedBlobs(pool, { space: SPACE, did, limit: 9 })).toEqual({
    cids: [ref.ref.toString()],
  })
})

test('a blob that is public as well stays public, and in the space is its own copy', async () => {
  const ref = await upload('a public picture')
  const writer = createWriter(node.pds, silentLog)
  const rkey = '3lw4qc3hq7c2v'
  const record = { $type: message.$type, text: 'x', image: ref }
  await writer.createRecord({ did, collection: message.$type, rkey, record })
  await post('a', ref)
  expect((await publicly(ref)).status).toBe(200)
  await writer.deleteRecord({ did, collection: message.$type, rkey })
  await expect.poll(async () => (await publicly(ref)).status).toBe(400)
  expect(await kept(ref)).toBe('a public picture')
})

test('what was not uploaded, or is said to be another, is refused', async () => {
  const ref = await upload('x')
  const never = { ...ref, ref: (await upload('dropped')).ref }
  await bytes.dropUpload(did, never.ref.toString())
  expect(await errorOf(post('a', never))).toBe('BlobNotFound')
  expect(await errorOf(post('a', { ...ref, mimeType: 'image/png' }))).toBe('InvalidMimeType')
  expect(await errorOf(post('a', { ...ref, size: 2 }))).toBe('InvalidSize')
  expect((await pool.query('select 1 from repo.blob')).rows).toEqual([])
  await post('a', ref)
  expect(await kept(ref)).toBe('x')
})

test('a process that dies while it takes a blob can take it again', async () => {
  const ref = await upload('twice')
  const dying = storeOn(pool, {
    clock,
    bytes: {
      ...bytes,
      takeUpload: async (...blob) => {
        await bytes.takeUpload(...blob)
        throw new Error('killed')
      },
    },
  })
  store = dying
  await expect(post('a', ref)).rejects.toThrow('killed')
  store = storeOn(pool, { clock, bytes })
  await post('a', ref)
  expect(await kept(ref)).toBe('twice')
})

test('bytes go once no record refers to them, and not before', async () => {
  const ref = await upload('swept')
  await post('a', ref)
  await post('b', ref)
  await post('a')
  clock.step(2 * 3_600_000)
  expect(await sweepBlobs({ pool, clock, bytes }, 10)).toBe(0)
  await post('b', ref)
  expect(await linked(ref)).toBeDefined()
  await drop('b')
  expect(await linked(ref)).toBeUndefined()
  expect(await sweepBlobs({ pool, clock, bytes }, 10)).toBe(0)
  clock.step(2 * 3_600_000)
  expect(await sweepBlobs({ pool, clock, bytes }, 10)).toBe(1)
  expect(await kept(ref)).toBeUndefined()
  expect(await errorOf(post('a', ref))).toBe('BlobNotFound')
})

async function filesWith(text: string): Promise<string[]> {
  const found: string[] = []
  for (const each of await readdir(node.dataDir, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue
    const path = `${each.parentPath}/${each.name}`
    if ((await readFile(path)).includes(text)) found.push(path)
  }
  return found
}
