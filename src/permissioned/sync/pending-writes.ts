import { SetHash } from '../format/set-hash.ts'
import type { SpaceRecordWrite } from '../sink.ts'
import type { RepoOp } from './space-api.ts'

/** Operations of a log that are kept back until its commit shows that they are the author's. */
export class PendingWrites {
  readonly #hash: SetHash
  readonly #limits: { ops: number; opsBytes: number }
  readonly #writes = new Map<string, SpaceRecordWrite>()
  #rev: string
  #ops = 0
  #bytes = 0

  constructor(
    held: { rev: string; setHash: Uint8Array },
    limits: { ops: number; opsBytes: number },
  ) {
    this.#hash = new SetHash(held.setHash)
    this.#rev = held.rev
    this.#limits = limits
  }

  /** The revision of the last operation, or that held before. */
  get rev(): string {
    return this.#rev
  }

  /** What the repo's set hash is after all of them. */
  get hash(): SetHash {
    return this.#hash
  }

  /** Takes one more; false when it can't follow those before, or is too much to keep. The sum says
   *  that the right elements came and went, but not that each came after the one it replaces went:
   *  of two operations on one record the second must say what the first has left. */
  take(op: RepoOp, since: string): boolean {
    const path = `${op.collection}/${op.rkey}`
    const before = this.#writes.get(path)
    this.#ops += 1
    this.#bytes += (op.bytes?.length ?? 0) - (before?.bytes?.length ?? 0)
    const { ops, opsBytes } = this.#limits
    if (this.#ops > ops || this.#bytes > opsBytes) return false
    if (op.rev <= since || op.rev < this.#rev) return false
    if (before !== undefined && before.cid !== op.prev) return false
    if (op.prev !== null) this.#hash.remove(path, op.prev)
    if (op.cid !== null) this.#hash.add(path, op.cid)
    this.#rev = op.rev
    const { rev, collection, rkey, cid, bytes = null } = op
    this.#writes.set(path, { rev, collection, rkey, cid, bytes })
    return true
  }

  /** The last state of each record; undefined when the host has left out one's value. */
  writes(): SpaceRecordWrite[] | undefined {
    const writes = [...this.#writes.values()]
    return writes.some(({ cid, bytes }) => cid !== null && bytes === null) ? undefined : writes
  }
}
