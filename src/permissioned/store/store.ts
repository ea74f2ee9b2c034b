import type { Clock } from '../../clock.ts'
import { type BlobBytes, keepBlobs } from './blob-keeper.ts'
import type { Guard } from './guard.ts'
import type { RepoSource } from './plan-writes.ts'
import { type SpaceWrite, type ValidateRecord, prepareWrites } from './prepare-write.ts'
import { spaceRecordUri } from '../space-ref.ts'
import { WriteQueue } from './write-queue.ts'
import { type PlaceWrites, type PlaceWritten, writeTogether } from './write-together.ts'
import type { Sql, SqlPool } from '../../database/sql.ts'

/** A batch for the repo of `did` in a space. */
export type SpaceBatch = {
  space: string
  did: string
  writes: readonly SpaceWrite[]
  /** the rev the repo must be at, '' for none yet */
  swapRev?: string
  /** a record kept for a member whose own host has no spaces, with how it is known to be theirs */
  source?: 'local'
  evidence?: { iss: string; lxm: string; jti: string }
}

/** A repo after a batch. One that changed nothing answers the rev and hash it found. */
export type SpaceWritten = {
  rev: string
  /** digest of the set hash, 32 bytes */
  hash: Uint8Array
  /** in the order of the writes; a deletion has no CID */
  results: { uri: string; cid: string | null }[]
}

/** Writes into permissioned repos that are kept here. */
export type SpaceStore = {
  /**
   * All or nothing, one rev. It answers once the batch is on disk together with its log, what the
   * views and the space's host are to be told, and what the guards keep. Throws XRPC
   * `InvalidRequest`, `InvalidSwap`, `RecordAlreadyExists`, `RecordNotFound`, `BlobNotFound`,
   * `InvalidMimeType`, `InvalidSize`, and what a guard refuses with.
   */
  applyWrites(batch: SpaceBatch): Promise<SpaceWritten>
  /**
   * Writes into several spaces of one author within the caller's transaction, which locks those
   * repos until it ends (`writeTogether`); `settled` is to be called with the spaces once it is
   * committed.
   */
  writeTogether(
    tx: Sql,
    batch: { did: string; places: readonly PlaceWrites[] },
  ): Promise<PlaceWritten[]>
  settled(did: string, spaces: readonly string[]): void
  /** To be called after something else has changed a repo: an import, a deletion. */
  forget(space: string, did: string): void
  /** Has `listener` called after each commit; answers how to end that. */
  onWrite(listener: (space: string, did: string) => void): () => void
}

/** What the store needs. Without `bytes` records cannot refer to blobs. */
export type SpaceStoreOptions = {
  pool: SqlPool
  clock: Clock
  nextTid: () => string
  validate: ValidateRecord
  guards?: readonly Guard[]
  bytes?: BlobBytes
}

/** Makes the store. Each record is checked by `validate`; each of the `guards` has its say in the
 *  transaction of the records that concern it. */
export function createSpaceStore(options: SpaceStoreOptions): SpaceStore {
  const { pool, clock, nextTid, validate, guards = [], bytes = NO_BYTES } = options
  const listeners = new Set<(space: string, did: string) => void>()
  const stored = (space: string, did: string) => {
    for (const listener of listeners) listener(space, did)
  }
  const queue = new WriteQueue({ pool, clock, nextTid, guards, stored })
  return {
    async applyWrites({ space, did, swapRev, evidence, ...batch }) {
      const source: RepoSource = batch.source ?? 'signed'
      const writes = prepareWrites(batch.writes, validate)
      const blobs = writes.flatMap((write) => write.blobs)
      if (blobs.length > 0) await keepBlobs({ pool, clock, bytes }, did, blobs)
      const done = await queue.submit(space, did, { writes, swapRev, source, evidence })
      const results = writes.map(({ collection, rkey }, n) => ({
        uri: spaceRecordUri(space, did, collection, rkey),
        cid: done.cids[n] ?? null,
      }))
      return { rev: done.rev, hash: done.hash, results }
    },
    writeTogether: (tx, batch) => writeTogether(tx, batch, { clock, nextTid, validate, guards }),
    settled(did, spaces) {
      for (const space of spaces) {
        queue.forget(space, did)
        stored(space, did)
      }
    },
    forget: (space, did) => queue.forget(space, did),
    onWrite(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const NO_BYTES: BlobBytes = {
  takeUpload: async () => undefined,
  dropUpload: async () => undefined,
  remove: async () => undefined,
}
