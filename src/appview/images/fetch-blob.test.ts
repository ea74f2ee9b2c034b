import { createHash } from 'node:crypto'
import { CODEC_DCBOR, CODEC_RAW, fromDigest, toString } from '@atcute/cid'
import { expect, test } from 'vitest'
import { silentLog } from '../../log.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { createBlobs } from './fetch-blob.ts'

const BYTES = Buffer.from('a picture')
const CID = cidOf(BYTES)
const DID = 'did:plc:ada'

test('a blob comes from the PDS of its account', async () => {
  const asked: string[] = []
  const blobs = from(async (url) => {
    asked.push(String(url))
    return new Response(BYTES)
  })
  expect(Buffer.from((await blobs.loadBlob(DID, CID))!)).toEqual(BYTES)
  const { origin, pathname, searchParams } = new URL(asked[0]!)
  expect([origin, pathname]).toEqual(['https://pds.test', '/xrpc/com.atproto.sync.getBlob'])
  expect(Object.fromEntries(searchParams)).toEqual({ did: DID, cid: CID })
})

test('a blob of an account hosted here is not asked for elsewhere', async () => {
  const blobs = createBlobs({
    pdsOf: () => Promise.reject(new Error('asked')),
    outbound: () => Promise.reject(new Error('asked')),
    log: silentLog,
    local: async () => BYTES,
  })
  expect(await blobs.loadBlob(DID, CID)).toBe(BYTES)
})

test('bytes that do not hash to the CID are not given out', async () => {
  const blobs = from(async () => new Response('another picture'))
  expect(await blobs.loadBlob(DID, CID)).toBeUndefined()
})

test.each([
  ['of a record', toString(fromDigest(CODEC_DCBOR, digest(BYTES)))],
  ['of no kind', 'hello'],
  ['of another hash', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKEm7G'],
])('a CID %s is never asked for', async (_, cid) => {
  const blobs = from(() => Promise.reject(new Error('asked')))
  expect(await blobs.loadBlob(DID, cid)).toBeUndefined()
})

test('what the PDS does not have is missing, and what it fails at is an outage', async () => {
  const missing = from(async () => new Response('{}', { status: 400 }))
  expect(await missing.loadBlob(DID, CID)).toBeUndefined()
  const failing = from(async () => new Response('', { status: 502 }))
  await expect(failing.loadBlob(DID, CID)).rejects.toThrow(OutboundError)
})

test('an answer without end is left after 50 MB', async () => {
  let sent = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1_000_000
      controller.enqueue(new Uint8Array(1_000_000))
    },
  })
  const blobs = from(async () => new Response(endless))
  await expect(blobs.loadBlob(DID, CID)).rejects.toMatchObject({ reason: 'ImageTooLarge' })
  expect(sent).toBeLessThan(60_000_000)
})

function from(outbound: Parameters<typeof createBlobs>[0]['outbound']) {
  return createBlobs({ pdsOf: async () => 'https://pds.test', outbound, log: silentLog })
}

function cidOf(bytes: Uint8Array): string {
  return toString(fromDigest(CODEC_RAW, digest(bytes)))
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}
