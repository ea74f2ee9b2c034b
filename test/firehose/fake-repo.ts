import { createHash } from 'node:crypto'
import { writeCarStream } from '@atcute/car'
import { CidLinkWrapper, encode, toBytes } from '@atcute/cbor'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import { BlockMap, MemoryBlockstore, type RecordWriteOp, Repo, WriteOpAction } from '@atproto/repo'
import { type Identity } from '../../src/identity/identity.ts'

/** A write as a test says it; a record of null is a delete. */
export type FakeWrite = {
  action: 'create' | 'update' | 'delete'
  collection: string
  rkey: string
  record?: Record<string, string | number>
}

type FakeOp = {
  action: string
  path: string
  cid: CidLinkWrapper | null
  /** left out of a create */
  prev?: CidLinkWrapper
}

/** Everything a commit frame is made of, still open to change. */
export type CommitParts = {
  unsigned: { did: string; version: number; data: CidLinkWrapper; rev: string; prev: null }
  /** all blocks but the commit's, by CID as text */
  blocks: Map<string, { cid: CidLinkWrapper; bytes: Uint8Array }>
  ops: FakeOp[]
  since: string | null
  prevData: CidLinkWrapper | null
}

/** A key of one of the two curves. */
export type Key = Secp256k1Keypair | P256Keypair

/** What a test may do to a commit on its way into a frame. */
export type Tampering = {
  parts?: (parts: CommitParts) => void
  signature?: (signature: Uint8Array) => Uint8Array
  key?: Key
  car?: (car: Uint8Array) => Uint8Array
  message?: (message: Record<string, unknown>) => void
}

/** A repo with its own key, made with the reference library. */
export class FakeRepo {
  readonly did: string
  readonly key: Key
  #repo: Repo

  private constructor(repo: Repo, key: Key) {
    this.did = repo.did
    this.key = key
    this.#repo = repo
  }

  /** An empty repo, or one with records in it. */
  static async create(did: string, records: FakeWrite[] = [], own?: Key): Promise<FakeRepo> {
    const key = own ?? (await Secp256k1Keypair.create({ exportable: true }))
    const repo = await Repo.create(new MemoryBlockstore(), did, key)
    const made = new FakeRepo(repo, key)
    if (records.length > 0) await made.commit(records)
    return made
  }

  /** A repo at the same revision that goes its own way; what it is told is not in this one. */
  async fork(): Promise<FakeRepo> {
    const blocks = new BlockMap()
    blocks.addMap((this.#repo.storage as MemoryBlockstore).blocks)
    const repo = await Repo.load(new MemoryBlockstore(blocks), this.#repo.cid)
    return new FakeRepo(repo, this.key)
  }

  /** What a resolver would say of the account. */
  identity(pds = 'https://pds.example.net'): Identity {
    return { did: this.did, signingKey: this.key.did(), pds, document: { id: this.did } }
  }

  /** CID of the root of the tree. */
  get data(): string {
    return this.#repo.commit.data.toString()
  }

  /** Writes for real and returns the parts of the commit's frame. */
  async commit(writes: FakeWrite[]): Promise<CommitParts> {
    const before = this.#repo.data
    const prepared = writes.map((write) => {
      const { collection, rkey, record = {} } = write
      if (write.action === 'delete')
        return { action: WriteOpAction.Delete as const, collection, rkey }
      const action = write.action === 'create' ? WriteOpAction.Create : WriteOpAction.Update
      return { action, collection, rkey, record }
    }) as RecordWriteOp[]
    const commit = await this.#repo.formatCommit(prepared, this.key)
    this.#repo = await this.#repo.applyCommit(commit)
    const blocks = blocksOf(commit.newBlocks, commit.relevantBlocks)
    blocks.delete(commit.cid.toString())
    const ops = []
    for (const { action, collection, rkey } of writes) {
      const path = `${collection}/${rkey}`
      const cid = action === 'delete' ? null : await this.#repo.data.get(path)
      const prev = action === 'create' ? null : await before.get(path)
      ops.push({ action, path, cid: cid && linkOf(cid), ...(prev && { prev: linkOf(prev) }) })
    }
    const { did, rev, data } = this.#repo.commit
    return {
      unsigned: { did, version: 3, data: linkOf(data), rev, prev: null },
      blocks,
      ops,
      since: commit.since,
      prevData: linkOf(await before.getPointer()),
    }
  }

  /** The frame of a commit, signed after the parts have been changed. */
  async frame(seq: number, parts: CommitParts, tampering: Tampering = {}): Promise<Uint8Array> {
    tampering.parts?.(parts)
    const { cid, car } = await this.car(parts, tampering)
    const message: Record<string, unknown> = {
      seq,
      repo: this.did,
      commit: cid,
      rev: parts.unsigned.rev,
      since: parts.since,
      prevData: parts.prevData,
      blocks: toBytes(car),
      ops: parts.ops,
      blobs: [],
      rebase: false,
      tooBig: false,
      time: '2026-01-01T00:00:00.000Z',
    }
    tampering.message?.(message)
    return encodeFrame('#commit', message)
  }

  /** Writes and returns the frame in one go. */
  async write(seq: number, writes: FakeWrite[], tampering?: Tampering): Promise<Uint8Array> {
    return this.frame(seq, await this.commit(writes), tampering)
  }

  /** The CAR slice of a commit. */
  async car(
    parts: CommitParts,
    tampering: Tampering = {},
  ): Promise<{ cid: CidLinkWrapper; car: Uint8Array }> {
    const signer = tampering.key ?? this.key
    const signature = await signer.sign(encode(parts.unsigned))
    const sig = toBytes(tampering.signature?.(signature) ?? signature)
    const bytes = encode({ ...parts.unsigned, sig })
    const cid = cidOf(bytes)
    const car = await carOf(cid, [{ cid, bytes }, ...parts.blocks.values()])
    return { cid, car: tampering.car?.(car) ?? car }
  }

  /** A `#sync` frame of a commit's CAR. */
  syncFrame(seq: number, car: Uint8Array, rev: string): Uint8Array {
    const time = '2026-01-01T00:00:00.000Z'
    return encodeFrame('#sync', { seq, did: this.did, rev, blocks: toBytes(car), time })
  }

  /** The revision it is at. */
  get rev(): string {
    return this.#repo.commit.rev
  }

  /** The CAR of the whole repo; blocks of earlier commits are in it as well. */
  async whole(tampering: Tampering = {}): Promise<Uint8Array> {
    const { did, rev, data } = this.#repo.commit
    const unsigned = { did, version: 3, data: linkOf(data), rev, prev: null }
    const blocks = blocksOf((this.#repo.storage as MemoryBlockstore).blocks)
    const parts = { unsigned, blocks, ops: [], since: null, prevData: null }
    tampering.parts?.(parts)
    return (await this.car(parts, tampering)).car
  }

  /** The CAR that proves one record, or that there is none. */
  async proof(collection: string, rkey: string, tampering: Tampering = {}): Promise<Uint8Array> {
    const path = `${collection}/${rkey}`
    const cid = await this.#repo.data.get(path)
    const blocks = blocksOf(await this.#repo.data.getCoveringProof(path))
    if (cid !== null) {
      const bytes = (await this.#repo.storage.getBlocks([cid])).blocks.get(cid)
      if (bytes) blocks.set(cid.toString(), { cid: linkOf(cid), bytes })
    }
    const { did, rev, data } = this.#repo.commit
    const unsigned = { did, version: 3, data: linkOf(data), rev, prev: null }
    const parts = { unsigned, blocks, ops: [], since: null, prevData: null }
    tampering.parts?.(parts)
    return (await this.car(parts, tampering)).car
  }
}

/** A frame of the event stream. */
export function encodeFrame(type: string, message: Record<string, unknown>): Uint8Array {
  return Buffer.concat([encode({ op: 1, t: type }), encode(message)])
}

/** The CID of a DAG-CBOR block. */
export function cidOf(bytes: Uint8Array): CidLinkWrapper {
  const digest = createHash('sha256').update(bytes).digest()
  return new CidLinkWrapper(Buffer.concat([Buffer.from([1, 0x71, 0x12, 32]), digest]))
}

/** A CARv1 with one root. */
export async function carOf(
  root: CidLinkWrapper,
  blocks: Iterable<{ cid: CidLinkWrapper; bytes: Uint8Array }>,
): Promise<Uint8Array> {
  const list = [...blocks].map(({ cid, bytes }) => ({ cid: cid.bytes, data: bytes }))
  return Buffer.concat(await Array.fromAsync(writeCarStream([root], list)))
}

function linkOf(cid: { bytes: Uint8Array }): CidLinkWrapper {
  return new CidLinkWrapper(Uint8Array.from(cid.bytes))
}

function blocksOf(...maps: BlockMap[]): CommitParts['blocks'] {
  const blocks: CommitParts['blocks'] = new Map()
  for (const map of maps) {
    for (const { cid, bytes } of map.entries()) {
      blocks.set(cid.toString(), { cid: linkOf(cid), bytes })
    }
  }
  return blocks
}
