import { tmpdir } from 'node:os'
import { randomBytes } from 'node:crypto'
import { encode, toBytes } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { carOf, cidOf } from '../../test/firehose/fake-repo.ts'
import { cidKey } from './car.ts'
import { spoolCar } from './car-spool.ts'

const options = { folder: tmpdir(), memoryBytes: 10_000, breathe: async () => undefined }

/** Blocks of these sizes, about. */
function blocksOf(sizes: readonly number[]) {
  return sizes.map((size) => {
    const bytes = encode({ filling: toBytes(randomBytes(size)) })
    return { cid: cidOf(bytes), bytes }
  })
}

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]) {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const size = fc.oneof({ arbitrary: fc.nat(300), weight: 9 }, fc.nat(30_000))

test('every block of a CAR is found again, in memory or in a file, in whatever pieces it came', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 60 }), pieces, async (...made) => {
      const blocks = blocksOf(made[0])
      const root = blocks[0]!.cid
      const bytes = await carOf(root, blocks)
      const car = await spoolCar(inPieces(bytes, made[1]), options)
      if (!car.ok) throw new Error(car.detail)
      await using _ = car
      expect(car.root).toBe(cidKey(root.bytes))
      expect(car.blocks).toBe(blocks.length)
      for (const block of blocks)
        expect(car.get(cidKey(block.cid.bytes))?.equals(block.bytes)).toBe(true)
      expect(car.get(cidKey(cidOf(randomBytes(5)).bytes))).toBeUndefined()
    }),
    { numRuns: 100 },
  )
})

test('a CAR of many blocks takes few bytes of memory for each', async () => {
  const blocks = blocksOf(Array.from({ length: 20_000 }, () => 10))
  const bytes = await carOf(blocks[0]!.cid, blocks)
  const car = await spoolCar(inPieces(bytes, [60_000]), options)
  if (!car.ok) throw new Error(car.detail)
  await using _ = car
  expect(car.indexBytes / blocks.length).toBeLessThan(40)
})

const [one, two] = blocksOf([100, 200]) as [ReturnType<typeof blocksOf>[number], never]
const whole = () => carOf(one.cid, [one, two])

test.each<[string, string, () => Promise<Uint8Array>]>([
  ['nothing at all', 'BadCar', async () => new Uint8Array()],
  ['the middle of a block', 'BadCar', async () => (await whole()).subarray(0, -3)],
  ['a header that does not end', 'BadCar', async () => Buffer.alloc(50, 0xff)],
  [
    'a block under another CID',
    'BadBlockHash',
    async () => carOf(one.cid, [{ ...one, bytes: encode(1) }]),
  ],
  [
    'a block larger than any',
    'BlocksTooLarge',
    async () => Buffer.concat([await carOf(one.cid, []), Buffer.from([0xff, 0xff, 0xff, 0x7f])]),
  ],
  [
    'a block too short for a CID',
    'BadCar',
    async () => Buffer.concat([await whole(), Buffer.from([3, 1, 2, 3])]),
  ],
  [
    'a block of another codec',
    'BadCar',
    async () => {
      const bytes = Buffer.from(await carOf(one.cid, [one]))
      const at = bytes.lastIndexOf(Buffer.from([1, 0x71, 0x12, 0x20]))
      bytes[at + 1] = 0x55
      return bytes
    },
  ],
])('%s is refused as %s', async (_, reason, made) => {
  const car = await spoolCar(inPieces(await made(), [50]), options)
  expect(car).toMatchObject({ ok: false, reason })
})

test('a connection that breaks is told as it is, and no file is left open', async () => {
  async function* broken() {
    yield await carOf(one.cid, blocksOf([30_000, 30_000]))
    throw new Error('broken off')
  }
  await expect(spoolCar(broken(), options)).rejects.toThrow('broken off')
})
