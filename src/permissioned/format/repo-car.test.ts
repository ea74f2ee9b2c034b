import { encode } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signerFromPrivateKey } from '../../crypto/ecdsa.ts'
import { cidOfBlock, cidText } from './cid-bytes.ts'
import { commitBlock } from './commit-block.ts'
import { type SignedCommit, checkCommit, signCommit } from './commit.ts'
import { CAR_LIMITS, type CarFault, type CarLimits, readRepoCar } from './repo-car.ts'
import { comparePaths, indexEntry, indexHead } from './repo-index.ts'
import { SetHash, sameHash } from './set-hash.ts'
import { writeRepoCar } from './write-repo-car.ts'

type Held = { path: string; cid: string; bytes: Uint8Array }

const signer = signerFromPrivateKey(Buffer.alloc(32, 7))
const of = { space: 'at://did:example:shop/space/com.example.room/staff', author: 'did:example:a' }
const rkey = fc.stringMatching(/^[a-zA-Z0-9_~:-]{1,300}$/)
const path = fc.tuple(fc.constantFrom('com.example.note', 'com.example.noted'), rkey)
const fields = { text: fc.string({ maxLength: 40 }), tags: fc.array(fc.nat(9)) }
const value = fc.record(fields, { noNullPrototype: true })
const repos = fc
  .uniqueArray(fc.tuple(path, value), { selector: ([[nsid, key]]) => `${nsid}/${key}` })
  .map((all) => all.map(([[nsid, key], record]) => held(`${nsid}/${key}`, record)).toSorted(order))
const three = ['a', 'bb', 'aaa'].map((key) => held(`com.example.note/${key}`, { text: key }))

test('a repo that was written is read back with its set hash, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(repos, fc.integer({ min: 1, max: 5_000 }), async (repo, size) => {
      const commit = await commitOf(repo)
      const car = await readRepoCar(inPieces(await carOf(repo, commit), size))
      if (!car.ok) throw new Error(car.fault)
      expect(checkCommit(car.commit, { ...of, signingKey: signer.didKey })).toBeUndefined()
      const set = new SetHash()
      for (const entry of car.entries()) set.add(entry.path, entry.cid)
      expect(sameHash(set.digest(), car.commit.hash)).toBe(true)
      expect(car.count).toBe(repo.length)
      expect(await Array.fromAsync(car.blocks())).toEqual(
        repo.map((record) => ({ ...record, bytes: Buffer.from(record.bytes) })),
      )
    }),
    { numRuns: 30 },
  )
})

test('any changed, missing or added byte is noticed', async () => {
  const good = await carOf(three)
  expect(await faultOf(good)).toBeUndefined()
  for (let at = 0; at < good.length; at += 1) {
    expect(await faultOf(good.subarray(0, at)), `cut at ${at}`).toBeDefined()
    for (const change of [0x01, 0x80, 0xff]) {
      const bytes = Buffer.from(good)
      bytes[at]! ^= change
      expect(await faultOf(bytes), `${change} at ${at}`).toBeDefined()
    }
  }
  expect(await faultOf(Buffer.concat([good, Buffer.of(0)]))).toBe('ExtraBlock')
})

test('what is not the repo its index names is refused by name', async () => {
  const [a, b, c] = three as [Held, Held, Held]
  const cases: [CarFault, Buffer][] = [
    ['BadHeader', Buffer.of(0x3a)],
    ['MissingBlock', await build({ blocks: [a, b] })],
    ['ExtraBlock', await build({ blocks: [a, b, c, c] })],
    ['WrongBlock', await build({ blocks: [b, a, c] })],
    ['WrongBlock', await build({ blocks: [held(a.path, { text: 'other' }), b, c] })],
    ['BadBlockHash', await build({ blocks: [{ ...a, bytes: b.bytes }, b, c] })],
    ['BadBlockCid', await build({ blocks: [a], rawCid: Buffer.from([1, 0x55, 0x12, 0x20]) })],
    ['DuplicatePath', await build({ index: [a, a, b] })],
    ['WrongOrder', await build({ index: [b, a, c] })],
    ['BadPath', await build({ index: [held('note/a', {})] })],
    ['BadPath', await build({ index: [held('com.example.note/..', {})] })],
    ['BadIndex', await build({ indexBytes: Buffer.from('80', 'hex') })],
    ['BadIndex', await build({ indexBytes: Buffer.from('b800', 'hex') })],
    ['BadIndex', await build({ indexBytes: Buffer.from('bbffffffffffffffff', 'hex') })],
    ['BadIndex', await build({ indexBytes: Buffer.from('a161610', 'hex') })],
    ['BadIndex', await build({ indexBytes: Buffer.concat([indexOf(three), Buffer.of(0)]) })],
    ['TooManyRecords', await build({ indexBytes: Buffer.from('baffffffff', 'hex') })],
    ['BadCommit', await build({ commit: encode({ ver: 1, rev: 'x' }) })],
    ['BadCommit', await build({ commit: Buffer.alloc(900, 0x81) })],
    ['BlockTooLarge', await build({ commit: Buffer.alloc(1_025) })],
    ['BadRecord', await oneRecord(encode('text'))],
    ['BadRecord', await oneRecord(Buffer.of(0xa1, 0x61))],
    ['BadRecord', await oneRecord(Buffer.of(0xa0, 0xa0))],
    ['RecordTooDeep', await oneRecord(Buffer.concat([Buffer.alloc(40, 0x81), Buffer.of(0xa0)]))],
    ['BlockTooLarge', await oneRecord(Buffer.alloc(1_000_001))],
  ]
  for (const [name, bytes] of cases) expect(await faultOf(bytes)).toBe(name)
})

test('limits hold before what they limit is read', async () => {
  const good = await carOf(three)
  const limits = (less: Partial<CarLimits>) => ({ limits: { ...CAR_LIMITS, ...less } })
  expect(await faultOf(good, limits({ records: 2 }))).toBe('TooManyRecords')
  expect(await faultOf(good, limits({ index: 100 }))).toBe('BlockTooLarge')
  expect(await faultOf(good, limits({ record: 5 }))).toBe('BlockTooLarge')
  expect(await faultOf(good, limits({ total: 600 }))).toBe('CarTooLarge')
  expect(await faultOf(good, limits({ recordItems: 2 }))).toBe('BadRecord')
  const pulled = { pieces: 0 }
  const endless = (async function* () {
    for (;;) {
      pulled.pieces += 1
      yield pulled.pieces === 1 ? good.subarray(0, 101) : Buffer.alloc(1 << 16, 0xff)
    }
  })()
  expect(await readRepoCar(endless)).toEqual({ ok: false, fault: 'BadLength' })
  expect(pulled.pieces).toBeLessThan(4)
})

test('without values the CAR ends after the index, and with them it does not', async () => {
  const bare = await build({ blocks: [] })
  expect(await faultOf(bare, { values: false })).toBeUndefined()
  expect(await faultOf(bare)).toBe('MissingBlock')
  expect(await faultOf(await carOf(three), { values: false })).toBe('ExtraBlock')
  const commit = await commitOf(three)
  const written = await Array.fromAsync(writeRepoCar({ commit, index: streamed(three) }))
  expect(await faultOf(Buffer.concat(written), { values: false })).toBeUndefined()
})

test('who reads no further hangs up', async () => {
  const good = await carOf(three)
  let open = true
  const body = (async function* () {
    try {
      yield good.subarray(0, good.length - 10)
      yield good.subarray(good.length - 10)
    } finally {
      open = false
    }
  })()
  {
    await using car = await disposable(readRepoCar(body))
    expect(car.ok && [...car.entries()].length).toBe(3)
    expect(open).toBe(true)
  }
  expect(open).toBe(false)
})

test('nothing is written whole that is not one state of a repo', async () => {
  const commit = await commitOf(three)
  const [a, b, c] = three as [Held, Held, Held]
  const write = (index: Held[], blocks: Held[]) =>
    Array.fromAsync(writeRepoCar({ commit, index: streamed(index), blocks: streamed(blocks) }))
  await expect(write([b, a], [b, a])).rejects.toThrow('WrongOrder')
  await expect(write([a, a], [a, a])).rejects.toThrow('DuplicatePath')
  await expect(write([a, b, c], [a, c, b])).rejects.toThrow('not the next')
  await expect(write([a, b, c], [a, b])).rejects.toThrow('more blocks')
  await expect(write([a, b], [a, b, c])).rejects.toThrow('not the next')
  await expect(write([{ ...a, cid: 'bafy' }], [])).rejects.toThrow(TypeError)
})

function held(at: string, record: object): Held {
  const bytes = encode(record)
  return { path: at, cid: cidText(cidOfBlock(bytes)), bytes }
}

function order(a: Held, b: Held): number {
  return comparePaths(Buffer.from(a.path), Buffer.from(b.path))
}

function commitOf(repo: readonly Held[]): Promise<SignedCommit> {
  const set = new SetHash()
  for (const record of repo) set.add(record.path, record.cid)
  const sign = (bytes: Uint8Array) => Promise.resolve(signer.sign(bytes))
  return signCommit({ ...of, rev: '3kbcq3p7ad422', hash: set.digest(), sign })
}

async function carOf(repo: readonly Held[], commit?: SignedCommit): Promise<Buffer> {
  const signed = commit ?? (await commitOf(repo))
  const parts = { commit: signed, index: streamed(repo), blocks: streamed(repo) }
  return Buffer.concat(await Array.fromAsync(writeRepoCar(parts)))
}

/** A CAR put together by hand from parts that need not fit. */
async function build(parts: {
  commit?: Uint8Array
  index?: Held[]
  indexBytes?: Buffer
  blocks?: Held[]
  rawCid?: Buffer
}): Promise<Buffer> {
  const index = parts.indexBytes ?? indexOf(parts.index ?? three)
  const commit = parts.commit ?? commitBlock(await commitOf(three))
  const roots = [cidOfBlock(commit), cidOfBlock(index)] as const
  const link = Buffer.from('d82a582500', 'hex')
  const head = Buffer.from('a265726f6f747382', 'hex')
  const tail = Buffer.from('6776657273696f6e01', 'hex')
  const header = Buffer.concat([head, link, roots[0], link, roots[1], tail])
  const cidOf = (bytes: Uint8Array) => Buffer.from(cidOfBlock(bytes))
  const all = (parts.blocks ?? parts.index ?? three).map((block) => {
    const cid = cidOf(three.find((one) => one.cid === block.cid)?.bytes ?? block.bytes)
    if (parts.rawCid) cid.set(parts.rawCid)
    return section(cid, block.bytes)
  })
  return Buffer.concat([
    section(header),
    section(roots[0], commit),
    section(roots[1], index),
    ...all,
  ])
}

function oneRecord(bytes: Uint8Array): Promise<Buffer> {
  const at = 'com.example.note/1'
  return build({ index: [{ path: at, cid: cidText(cidOfBlock(bytes)), bytes }] })
}

function indexOf(repo: readonly Held[]): Buffer {
  const entries = repo.map(({ path: at, cid }) => indexEntry({ path: at, cid }))
  return Buffer.concat([indexHead(repo.length), ...entries])
}

function section(...parts: Uint8Array[]): Buffer {
  const bytes = Buffer.concat(parts)
  const varint: number[] = []
  let rest = bytes.length
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) varint.push((rest % 0x80) | 0x80)
  return Buffer.concat([Buffer.from([...varint, rest]), bytes])
}

async function* streamed<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function faultOf(
  bytes: Buffer,
  options?: Parameters<typeof readRepoCar>[1],
): Promise<CarFault | undefined> {
  const car = await readRepoCar(inPieces(bytes, 1_000), options)
  if (!car.ok) return car.fault
  for await (const block of car.blocks()) if ('fault' in block) return block.fault
  return undefined
}

async function disposable(reading: ReturnType<typeof readRepoCar>) {
  const car = await reading
  if (!car.ok) throw new Error(car.fault)
  return car
}
