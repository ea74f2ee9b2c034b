import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { cropRegion, makeRendition } from './rendition.ts'

test('a photo becomes a smaller WebP, upright and without what the camera wrote', async () => {
  const photo = await picture(1000, 600)
    .jpeg()
    .withExif({ IFD0: { Copyright: 'Ada' }, IFD3: { GPSLatitude: '52/1 30/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  expect((await sharp(photo).metadata()).exif).toBeDefined()
  const made = await makeRendition(photo, 'thumbnail')
  const metadata = await sharp(made.bytes).metadata()
  expect(metadata).toMatchObject({ format: 'webp', width: 300, height: 500 })
  expect(made).toMatchObject({ mimeType: 'image/webp', width: 300, height: 500 })
  expect([metadata.exif, metadata.xmp, metadata.iptc, metadata.orientation]).toEqual(
    Array.from({ length: 4 }),
  )
  expect(Buffer.from(made.bytes).includes('GPS')).toBe(false)
})

test('the left of a photo taken sideways ends up on top', async () => {
  const halves = await sharp({
    create: { width: 800, height: 400, channels: 3, background: 'red' },
  })
    .composite([{ input: await picture(400, 400, 'blue').png().toBuffer(), left: 400, top: 0 }])
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toBuffer()
  const made = await makeRendition(halves, 'square', { x: 500, y: 0 })
  expect(await colourAt(made.bytes, 200, 10)).toBe('red')
  const lower = await makeRendition(halves, 'square', { x: 500, y: 1000 })
  expect(await colourAt(lower.bytes, 200, 390)).toBe('blue')
})

test('a small image is not made larger', async () => {
  const small = await picture(40, 20).png().toBuffer()
  expect(await makeRendition(small, 'xlarge')).toMatchObject({ width: 40, height: 20 })
  expect(await makeRendition(small, 'square')).toMatchObject({ width: 20, height: 20 })
})

test('a crop keeps the focal point in sight', () => {
  const image = { width: 1000, height: 500 }
  const middle = { left: 250, top: 0, width: 500, height: 500 }
  expect(cropRegion(image, 1, { x: 500, y: 500 })).toEqual(middle)
  expect(cropRegion(image, 1, { x: 900, y: 0 })).toEqual({ ...middle, left: 500 })
  expect(cropRegion(image, 1, { x: 0, y: 1000 })).toEqual({ ...middle, left: 0 })
  expect(cropRegion({ width: 1, height: 1000 }, 4, { x: 0, y: 0 })).toMatchObject({ height: 1 })
})

test.each(['small', 'square'] as const)('an animation keeps its frames as %s', async (size) => {
  const animation = await animated(3, 700, 560)
  const made = await makeRendition(animation, size)
  const metadata = await sharp(made.bytes, { animated: true }).metadata()
  expect(metadata).toMatchObject({ pages: 3, width: made.width, pageHeight: made.height })
  expect(metadata.delay).toEqual([100, 100, 100])
})

test('transparency and other formats survive', async () => {
  const glass = picture(50, 50, { r: 0, g: 0, b: 0, alpha: 0.5 })
  for (const input of [glass.clone().png(), glass.clone().webp(), glass.clone().avif()]) {
    const made = await makeRendition(await input.toBuffer(), 'thumbnail')
    expect((await sharp(made.bytes).metadata()).hasAlpha).toBe(true)
  }
})

test.each([
  ['a text', Buffer.from('hello')],
  ['nothing', Buffer.alloc(0)],
  ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')],
  ['an SVG with an XML head', Buffer.from('<?xml version="1.0"?><svg width="9" height="9"/>')],
  ['a PDF', Buffer.from('%PDF-1.7\n')],
  ['a PNG without its picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
])('%s is not an image', async (_, bytes) => {
  await expect(makeRendition(bytes, 'small')).rejects.toMatchObject({ reason: 'NotAnImage' })
})

test('a photo that breaks off is not an image', async () => {
  const photo = await picture(600, 600).jpeg().toBuffer()
  const half = photo.subarray(0, photo.length / 2)
  await expect(makeRendition(half, 'small')).rejects.toMatchObject({ reason: 'NotAnImage' })
})

test('a few bytes that claim to be a huge picture are refused without decoding', async () => {
  const bomb = claiming(await picture(8, 8).png().toBuffer(), 30_000, 30_000)
  const before = process.memoryUsage().rss
  await expect(makeRendition(bomb, 'small')).rejects.toMatchObject({ reason: 'ImageTooLarge' })
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
})

test('a real picture of more than 50 megapixels is refused, however few bytes it has', async () => {
  const bomb = await picture(7_200, 7_000).png().toBuffer()
  expect(bomb.length).toBeLessThan(2_000_000)
  await expect(makeRendition(bomb, 'small')).rejects.toMatchObject({ reason: 'ImageTooLarge' })
})

test('the frames of an animation count together', async () => {
  const tooMany = await animated(1_001, 1, 1)
  await expect(makeRendition(tooMany, 'small')).rejects.toMatchObject({ reason: 'ImageTooLarge' })
  const frame = await picture(2_000, 2_000).gif().toBuffer()
  expect(await makeRendition(repeated(frame, 2), 'small')).toMatchObject({ width: 600 })
  const tooLarge = repeated(frame, 13)
  await expect(makeRendition(tooLarge, 'small')).rejects.toMatchObject({ reason: 'ImageTooLarge' })
})

type Colour = string | { r: number; g: number; b: number; alpha: number }

function picture(width: number, height: number, background: Colour = 'red') {
  return sharp({ create: { width, height, channels: 4, background }, limitInputPixels: false })
}

/** A GIF whose frames differ, so that the encoder keeps all of them. */
async function animated(frames: number, width: number, height: number): Promise<Buffer> {
  const rows = Buffer.alloc(frames * width * height * 3)
  for (let n = 0; n < frames; n++) {
    rows.fill((n * 37) % 256, n * width * height * 3, (n + 1) * width * height * 3)
  }
  const raw = { width, height: frames * height, channels: 3, pageHeight: height } as const
  const delay = Array.from({ length: frames }, () => 100)
  return sharp(rows, { raw }).gif({ delay, loop: 0 }).toBuffer()
}

/** The PNG with other dimensions in its header (IHDR at byte 16, its checksum at byte 29). */
function claiming(png: Buffer, width: number, height: number): Buffer {
  const made = Buffer.from(png)
  made.writeUInt32BE(width, 16)
  made.writeUInt32BE(height, 20)
  made.writeUInt32BE(crc32(made.subarray(12, 29)), 29)
  return made
}

/** The GIF with its one frame so many times: from its control block to the last byte but one. */
function repeated(gif: Buffer, times: number): Buffer {
  const start = gif.indexOf(Buffer.from('21f904', 'hex'))
  const frames = Array.from({ length: times }, () => gif.subarray(start, -1))
  return Buffer.concat([gif.subarray(0, start), ...frames, gif.subarray(-1)])
}

async function colourAt(bytes: Uint8Array, x: number, y: number): Promise<string> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
  const at = (y * info.width + x) * info.channels
  return data[at]! > data[at + 2]! ? 'red' : 'blue'
}
