import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CODEC_RAW, fromDigest, toString } from '@atcute/cid'
import { createServer } from '@atproto/xrpc-server'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { systemClock } from '../../../clock.ts'
import { silentLog } from '../../../log.ts'
import { OutboundError } from '../../../outbound/outbound-error.ts'
import { openImageCache } from '../../images/cache.ts'
import { createImages } from '../../images/images.ts'
import type { FocalPoint } from '../../images/rendition.ts'
import { getImage } from './get-image.ts'

const ADA = 'did:plc:ada'
const photo = await sharp({ create: { width: 900, height: 300, channels: 3, background: 'red' } })
  .jpeg()
  .toBuffer()
const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')

test('an image is answered in the size asked for, to be kept for good', async () => {
  await using node = await serve({ [cidOf(photo)]: photo })
  const response = await node.get({ did: ADA, cid: cidOf(photo), size: 'small' })
  expect(response.status).toBe(200)
  const headers = Object.fromEntries(response.headers)
  expect(headers).toMatchObject({
    'content-type': 'image/webp',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; sandbox`,
    'content-disposition': 'inline',
    'cache-control': 'public, max-age=31536000, immutable',
  })
  const bytes = await response.bytes()
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 600, height: 200 })
})

test('the original comes as it was uploaded, as a download', async () => {
  await using node = await serve({ [cidOf(photo)]: photo })
  const response = await node.get({ did: ADA, cid: cidOf(photo), size: 'original' })
  expect(response.headers.get('content-type')).toBe('image/jpeg')
  const disposition = `attachment; filename="${cidOf(photo)}.jpg"`
  expect(response.headers.get('content-disposition')).toBe(disposition)
  expect(Buffer.from(await response.bytes())).toEqual(photo)
})

test('a crop follows the focal point, and is asked for again when it may have moved', async () => {
  const halves = await sharp({
    create: { width: 900, height: 300, channels: 3, background: 'red' },
  })
    .composite([
      {
        input: { create: { width: 450, height: 300, channels: 3, background: 'blue' } },
        left: 450,
        top: 0,
      },
    ])
    .png()
    .toBuffer()
  const cid = cidOf(halves)
  await using node = await serve({ [cid]: halves })
  const colours: string[] = []
  for (const x of [0, 1000]) {
    node.focus({ x, y: 500 })
    const response = await node.get({ did: ADA, cid, size: 'square' })
    expect(response.headers.get('cache-control')).toBe('public, max-age=86400')
    const { dominant } = await sharp(await response.bytes()).stats()
    colours.push(dominant.r > dominant.b ? 'red' : 'blue')
  }
  expect(colours).toEqual(['red', 'blue'])
})

test('many who ask for the same rendition cost one load', async () => {
  await using node = await serve({ [cidOf(photo)]: photo })
  const wanted = { did: ADA, cid: cidOf(photo), size: 'large' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => node.get(wanted)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  await node.get(wanted)
  expect(node.loads()).toBe(1)
})

test('each failure has its name', async () => {
  const cid = cidOf(photo)
  await using node = await serve({ [cid]: photo, [cidOf(svg)]: svg })
  const answer = async (params: Record<string, string>) => {
    const response = await node.get(params)
    return [response.status, ((await response.json()) as { error: string }).error]
  }
  expect(await answer({ did: ADA, cid, size: 'huge' })).toEqual([400, 'InvalidRequest'])
  expect(await answer({ did: ADA, cid: 'no-cid' })).toEqual([400, 'InvalidRequest'])
  expect(await answer({ did: 'did:plc:gone', cid })).toEqual([400, 'NotFound'])
  expect(await answer({ did: ADA, cid: cidOf(Buffer.from('x')) })).toEqual([400, 'NotFound'])
  for (const size of ['original', 'small']) {
    expect(await answer({ did: ADA, cid: cidOf(svg), size })).toEqual([400, 'NotAnImage'])
  }
  expect(await node.kept()).toBe(0)
  node.fail(new OutboundError('Unreachable', 'no answer'))
  expect(await answer({ did: ADA, cid, size: 'medium' })).toEqual([502, 'UpstreamFailure'])
})

test('an image stops being answered when its account is hidden, kept or not', async () => {
  await using node = await serve({ [cidOf(photo)]: photo })
  const wanted = { did: ADA, cid: cidOf(photo), size: 'small' }
  expect((await node.get(wanted)).status).toBe(200)
  node.hide(ADA)
  expect((await node.get(wanted)).status).toBe(400)
})

test('what one account has is not answered for another', async () => {
  await using node = await serve({ [cidOf(photo)]: photo })
  const wanted = { cid: cidOf(photo), size: 'small' }
  expect((await node.get({ ...wanted, did: ADA })).status).toBe(200)
  expect((await node.get({ ...wanted, did: 'did:plc:ben' })).status).toBe(400)
})

/** A server with Ada, who has these blobs, and Ben, who has none. */
async function serve(blobs: Readonly<Record<string, Uint8Array>>) {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-get-image-'))
  const cache = await openImageCache({
    folder,
    maxBytes: 10_000_000,
    clock: systemClock,
    log: silentLog,
  })
  let loads = 0
  let failure: Error | undefined
  let point: FocalPoint | undefined
  const shown = new Set([ADA, 'did:plc:ben'])
  const loadBlob = async (did: string, cid: string) => {
    loads += 1
    if (failure) throw failure
    return did === ADA ? blobs[cid] : undefined
  }
  const server = createServer()
  getImage(
    { server, queries: new Map(), authenticate: async () => undefined },
    {
      images: createImages({ blobs: { loadBlob }, cache }),
      isShown: async (did) => shown.has(did),
      focalPoint: async () => point,
    },
  )
  const http = server.listen(0)
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    get: (params: Record<string, string>) =>
      fetch(
        `http://127.0.0.1:${port}/xrpc/co.kendev.content.getImage?${String(new URLSearchParams(params))}`,
      ),
    loads: () => loads,
    kept: async () => (await readdir(folder)).length,
    fail: (error: Error) => void (failure = error),
    focus: (at: FocalPoint) => void (point = at),
    hide: (did: string) => void shown.delete(did),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function cidOf(bytes: Uint8Array): string {
  return toString(fromDigest(CODEC_RAW, createHash('sha256').update(bytes).digest()))
}
