import { hash } from 'node:crypto'
import { CidLinkWrapper, decode } from '@atcute/cbor'
import { BlockIndex } from './block-index.ts'
import { cidKey } from './car.ts'
import { ByteReader, VARINT_MAX } from '../bytes/byte-reader.ts'
import { scanCbor } from '../bytes/cbor-scan.ts'
import { isFields } from './message.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'
import { Spool, type SpoolOptions } from './spool.ts'

/** A CAR that was read to its end: every block has the hash its CID says. */
export type SpooledCar = AsyncDisposable & {
  readonly ok: true
  /** `cidKey` of the root */
  readonly root: string
  readonly blocks: number
  /** what finding them takes of memory */
  readonly indexBytes: number
  /** The block under a `cidKey`. */
  readonly get: (link: string) => Buffer | undefined
}

/** Version 1, DAG-CBOR, SHA-256 of 32 bytes. */
const PREFIX = Buffer.from([0x01, 0x71, 0x12, 0x20])
const DIGEST = 32
const CID = PREFIX.length + DIGEST
/** The header of a CAR with one or two roots takes 59 or 100 bytes. */
const HEADER_MAX = 127
const BREATHE_BYTES = 512 << 10

/**
 * Reads a CARv1 with one root as it comes, in memory that does not grow with it but for some bytes
 * a block; where it is large, its blocks go to a file. Throws what `body` throws.
 */
export async function spoolCar(
  body: AsyncIterable<Uint8Array>,
  options: SpoolOptions & { breathe: () => Promise<void> },
): Promise<SpooledCar | Refusal> {
  const bytes = new ByteReader(body)
  const spool = new Spool(options)
  const index = new BlockIndex()
  try {
    const root = await readHeader(bytes)
    const fault =
      typeof root === 'string' ? await readBlocks(bytes, { spool, index, options }) : root
    if (typeof root === 'string' && fault === undefined) {
      const get = (link: string) => find({ spool, index }, link)
      const close = () => spool[Symbol.asyncDispose]()
      const { count: blocks, bytes: indexBytes } = index
      return { ok: true, root, blocks, indexBytes, get, [Symbol.asyncDispose]: close }
    }
    await spool[Symbol.asyncDispose]()
    return fault ?? refuse('BadCar', 'header')
  } catch (error) {
    await spool[Symbol.asyncDispose]()
    throw error
  } finally {
    await bytes.end()
  }
}

async function readHeader(bytes: ByteReader): Promise<string | Refusal> {
  const length = await bytes.varint()
  if (length === undefined || length > HEADER_MAX) return refuse('BadCar', 'length of the header')
  const header = await bytes.take(length)
  const scan = header && scanCbor(header, { depth: 3, items: 16 })
  if (!header || !scan || 'fault' in scan || scan.end !== length) return refuse('BadCar', 'header')
  try {
    const value: unknown = decode(header)
    const roots = isFields(value) && value['version'] === 1 ? value['roots'] : undefined
    const [root, ...others] = Array.isArray(roots) ? (roots as unknown[]) : []
    if (!(root instanceof CidLinkWrapper) || others.length > 0)
      return refuse('BadCar', 'not one root')
    return cidKey(root.bytes)
  } catch {
    return refuse('BadCar', 'header')
  }
}

async function readBlocks(
  bytes: ByteReader,
  to: { spool: Spool; index: BlockIndex; options: { breathe: () => Promise<void> } },
): Promise<Refusal | undefined> {
  const { spool, options } = to
  let sinceBreath = 0
  while (await bytes.has(1)) {
    // Nearly every block is at hand as a whole, and waiting for what is there costs more than it.
    const length = bytes.left < VARINT_MAX ? await bytes.varint() : bytes.varintHere()
    if (length === undefined || length < CID) return refuse('BadCar', 'length of a block')
    if (length > LIMITS.blocks + CID) return refuse('BlocksTooLarge', `${length}`)
    if (bytes.left < length && !(await bytes.has(length)))
      return refuse('BadCar', 'it ends within a block')
    const fault = keepBlock(bytes.takeHere(length), to)
    if (fault !== undefined) return fault
    if (spool.isFull) await spool.flush()
    sinceBreath += length
    if (sinceBreath < BREATHE_BYTES) continue
    sinceBreath = 0
    await options.breathe()
  }
  return undefined
}

/** Keeps a block when its hash is the one its CID says. */
function keepBlock(
  entry: Buffer,
  { spool, index }: { spool: Spool; index: BlockIndex },
): Refusal | undefined {
  if (!entry.subarray(0, PREFIX.length).equals(PREFIX))
    return refuse('BadCar', 'a block that is not DAG-CBOR')
  const digest = entry.subarray(PREFIX.length, CID)
  const block = entry.subarray(CID)
  if (!hash('sha256', block, 'buffer').equals(digest))
    return refuse('BadBlockHash', `another than ${digest.toString('hex')}`)
  index.add(digest, spool.size, block.length)
  spool.append(entry.subarray(PREFIX.length))
  return undefined
}

/** Blocks are kept behind their digest, so that the index need not be believed. */
function find(
  { spool, index }: { spool: Spool; index: BlockIndex },
  link: string,
): Buffer | undefined {
  const cid = Buffer.from(link, 'latin1')
  if (cid.length !== CID || !cid.subarray(0, PREFIX.length).equals(PREFIX)) return undefined
  const digest = cid.subarray(PREFIX.length)
  for (const { offset, size } of index.find(digest)) {
    const bytes = spool.read(offset, DIGEST + size)
    if (bytes.subarray(0, DIGEST).equals(digest)) return bytes.subarray(DIGEST)
  }
  return undefined
}
