import { hash } from 'node:crypto'
import { ByteReader } from '../bytes/byte-reader.ts'
import { scanCbor } from '../bytes/cbor-scan.ts'
import { CID_BYTES, isBlockCid } from './cid-bytes.ts'
import { readCommitBlock } from './commit-block.ts'
import type { SignedCommit } from './commit.ts'
import { type IndexEntry, type IndexFault, entryOf, isRecordPath, walkIndex } from './repo-index.ts'

/** What is wrong with a CAR of a repo. */
export type CarFault =
  | IndexFault
  | 'BadHeader'
  | 'BadLength'
  | 'BadBlockCid'
  | 'BadBlockHash'
  | 'BadCommit'
  | 'BadRecord'
  | 'BlockTooLarge'
  | 'CarTooLarge'
  | 'ExtraBlock'
  | 'MissingBlock'
  | 'RecordTooDeep'
  | 'Truncated'
  | 'WrongBlock'

/** How much of another host's repo is read, in bytes unless said otherwise. */
export type CarLimits = {
  /** how many records it may have */
  records: number
  /** the index, which is kept in memory */
  index: number
  record: number
  total: number
  /** nesting of maps and lists in a record */
  recordDepth: number
  /** values in a record */
  recordItems: number
}

/** A record with its bytes, which have the hash its CID says and are one map. */
export type RepoBlock = IndexEntry & { bytes: Uint8Array }

/** A repo whose commit is readable and whose index is whole; nothing of it is believed yet. */
export type RepoCar = AsyncDisposable & {
  readonly ok: true
  /** to be checked with `checkCommit` */
  readonly commit: SignedCommit
  readonly count: number
  /** All records in the index's order, as often as wanted; their hash must be the commit's. */
  entries(): Generator<IndexEntry>
  /** Each record once, in the same order; a fault is the last that comes. */
  blocks(): AsyncGenerator<RepoBlock | { fault: CarFault }>
}

/** Limits that let through what a busy member of a busy space writes in years. */
export const CAR_LIMITS: CarLimits = {
  records: 300_000,
  index: 32 << 20,
  record: 1_000_000,
  total: 2 ** 30,
  recordDepth: 32,
  recordItems: 100_000,
}

const COMMIT_MAX = 1_024
const BREATHE_ENTRIES = 2_000
/** The header with two roots, which has only one form: `{ roots: [link, link], version: 1 }`. */
const HEADER = Buffer.from('a265726f6f747382d82a582500', 'hex')
const BETWEEN_ROOTS = Buffer.from('d82a582500', 'hex')
const AFTER_ROOTS = Buffer.from('6776657273696f6e01', 'hex')
const HEADER_BYTES = HEADER.length + BETWEEN_ROOTS.length + AFTER_ROOTS.length + CID_BYTES * 2
const MAP = 5
const DIGEST = 32

/**
 * Reads a CARv1 with two roots (proposal 0016, "Sync") as it comes: commit, index, and the records'
 * blocks in the order of the index. Memory holds the index and one block, whatever is sent. With
 * `values: false` (`excludeValues`) it has to end after the index, which `blocks` finds out. Blocks
 * are well-formed CBOR, not yet canonical: who decodes them finds that. Throws what `body` throws.
 */
export async function readRepoCar(
  body: AsyncIterable<Uint8Array>,
  options: { limits?: CarLimits; values?: boolean; breathe?: () => Promise<void> } = {},
): Promise<RepoCar | { ok: false; fault: CarFault }> {
  const { limits = CAR_LIMITS, values = true, breathe = nothing } = options
  const sections = new Sections(body, limits.total)
  let opened = false
  try {
    const roots = await readHeader(sections)
    if (roots === undefined) return refuse('BadHeader')
    const commitBytes = await sections.block(COMMIT_MAX)
    if ('fault' in commitBytes) return refuse(commitBytes.fault)
    if (!commitBytes.cid.equals(roots[0])) return refuse('WrongBlock')
    const commit = readCommitBlock(commitBytes.bytes)
    if (commit === undefined) return refuse('BadCommit')
    const index = await sections.block(limits.index)
    if ('fault' in index) return refuse(index.fault)
    if (!index.cid.equals(roots[1])) return refuse('WrongBlock')
    const count = await checkIndex(index.bytes, limits.records, breathe)
    if (typeof count === 'string') return refuse(count)
    opened = true
    return {
      ok: true,
      commit,
      count,
      entries: () => entriesOf(index.bytes),
      blocks: () => blocksOf(sections, values ? index.bytes : EMPTY, limits),
      [Symbol.asyncDispose]: () => sections.end(),
    }
  } finally {
    if (!opened) await sections.end()
  }
}

/** The index of no records. */
const EMPTY = Buffer.from([0xa0])

async function nothing(): Promise<void> {}

function refuse(fault: CarFault): { ok: false; fault: CarFault } {
  return { ok: false, fault }
}

async function readHeader(sections: Sections): Promise<[Buffer, Buffer] | undefined> {
  const bytes = await sections.take(HEADER_BYTES, HEADER_BYTES)
  if ('fault' in bytes) return undefined
  const header = Buffer.from(bytes.section)
  const second = HEADER.length + CID_BYTES + BETWEEN_ROOTS.length
  const roots: [Buffer, Buffer] = [
    header.subarray(HEADER.length, HEADER.length + CID_BYTES),
    header.subarray(second, second + CID_BYTES),
  ]
  const only = Buffer.concat([HEADER, roots[0], BETWEEN_ROOTS, roots[1], AFTER_ROOTS])
  return header.equals(only) && roots.every(isBlockCid) ? roots : undefined
}

async function checkIndex(
  index: Buffer,
  recordsMax: number,
  breathe: () => Promise<void>,
): Promise<number | IndexFault> {
  const walk = walkIndex(index, recordsMax)
  for (let count = 0; ; count += 1) {
    const step = walk.next()
    if (step.done === true) return step.value ?? count
    if (!isRecordPath(step.value.path)) return 'BadPath'
    if (count % BREATHE_ENTRIES === BREATHE_ENTRIES - 1) await breathe()
  }
}

function* entriesOf(index: Buffer): Generator<IndexEntry> {
  for (const slot of walkIndex(index)) yield entryOf(slot)
}

async function* blocksOf(
  sections: Sections,
  index: Buffer,
  limits: CarLimits,
): AsyncGenerator<RepoBlock | { fault: CarFault }> {
  try {
    for (const slot of walkIndex(index)) {
      const block = await sections.block(limits.record)
      if ('fault' in block) return yield block
      if (!block.cid.equals(slot.cid)) return yield { fault: 'WrongBlock' }
      const fault = faultOf(block.bytes, limits)
      if (fault !== undefined) return yield { fault }
      yield { ...entryOf(slot), bytes: block.bytes }
    }
    if (await sections.more()) yield { fault: 'ExtraBlock' }
  } finally {
    await sections.end()
  }
}

function faultOf(record: Buffer, { recordDepth, recordItems }: CarLimits): CarFault | undefined {
  const scan = scanCbor(record, { depth: recordDepth, items: recordItems })
  if ('fault' in scan) return scan.fault === 'TooDeep' ? 'RecordTooDeep' : 'BadRecord'
  return scan.end === record.length && record[0]! >> 5 === MAP ? undefined : 'BadRecord'
}

/** The parts of a CAR, each behind its length. */
class Sections {
  readonly #bytes: ByteReader
  #left: number

  constructor(body: AsyncIterable<Uint8Array>, total: number) {
    this.#bytes = new ByteReader(body)
    this.#left = total
  }

  /** The next part, when it has so many bytes. */
  async take(min: number, max: number): Promise<{ section: Buffer } | { fault: CarFault }> {
    if (!(await this.more())) return { fault: 'MissingBlock' }
    const length = await this.#bytes.varint()
    if (length === undefined || length < min) return { fault: 'BadLength' }
    if (length > max) return { fault: 'BlockTooLarge' }
    this.#left -= length
    if (this.#left < 0) return { fault: 'CarTooLarge' }
    const section = await this.#bytes.take(length)
    return section === undefined ? { fault: 'Truncated' } : { section }
  }

  /** The next block, when it has the hash its CID says. */
  async block(max: number): Promise<{ cid: Buffer; bytes: Buffer } | { fault: CarFault }> {
    const taken = await this.take(CID_BYTES, CID_BYTES + max)
    if ('fault' in taken) return taken
    // A copy, as a piece of a stream may be a thousand times as large as a block that is kept.
    const cid = Buffer.from(taken.section.subarray(0, CID_BYTES))
    const bytes = Buffer.from(taken.section.subarray(CID_BYTES))
    if (!isBlockCid(cid)) return { fault: 'BadBlockCid' }
    const isTrue = hash('sha256', bytes, 'buffer').equals(cid.subarray(CID_BYTES - DIGEST))
    return isTrue ? { cid, bytes } : { fault: 'BadBlockHash' }
  }

  /** Whether anything comes yet. */
  more(): Promise<boolean> {
    return this.#bytes.has(1)
  }

  /** Hangs up. */
  end(): Promise<void> {
    return this.#bytes.end()
  }
}
