import { encode } from '@atproto/lex-cbor'
import { cidOfBlock, cidText } from '../../src/permissioned/cid-bytes.ts'
import { type SignBytes, type SignedCommit, signCommit } from '../../src/permissioned/commit.ts'
import { comparePaths } from '../../src/permissioned/repo-index.ts'
import { SetHash } from '../../src/permissioned/set-hash.ts'
import type { OpsPage, RepoOp } from '../../src/permissioned/space-api.ts'
import { writeRepoCar } from '../../src/permissioned/write-repo-car.ts'

/** A record to write, or null for one to delete. */
export type Write = { path: string; text: string | null }

/** A member's repo in a space as it really is, with its log and a memory of all that ever was. */
export class TrueRepo {
  readonly records = new Map<string, { cid: string; bytes: Uint8Array }>()
  readonly ever: Set<string>
  readonly space: string
  readonly author: string
  readonly sign: SignBytes
  ops: RepoOp[] = []
  rev = ''
  #hash = new SetHash()

  constructor(options: { space: string; author: string; sign: SignBytes; ever: Set<string> }) {
    this.ever = options.ever
    this.space = options.space
    this.author = options.author
    this.sign = options.sign
  }

  get digest(): Uint8Array {
    return this.#hash.digest()
  }

  /** A copy as it is now, to be shown again later. */
  snapshot(): TrueRepo {
    const copy = new TrueRepo(this)
    for (const [path, record] of this.records) copy.records.set(path, record)
    copy.ops = [...this.ops]
    copy.rev = this.rev
    copy.#hash = new SetHash(this.#hash.state())
    return copy
  }

  write(rev: string, writes: readonly Write[]): void {
    for (const { path, text } of writes) {
      const before = this.records.get(path)
      if (text === null && before === undefined) continue
      const slash = path.indexOf('/')
      const at = { rev, collection: path.slice(0, slash), rkey: path.slice(slash + 1) }
      const prev = before?.cid ?? null
      if (before) this.#hash.remove(path, before.cid)
      if (text === null) {
        this.records.delete(path)
        this.ops.push({ ...at, cid: null, prev })
      } else {
        const bytes = encode({ $type: at.collection, text })
        const cid = cidText(cidOfBlock(bytes))
        this.records.set(path, { cid, bytes })
        this.ever.add(`${path} ${cid}`)
        this.#hash.add(path, cid)
        this.ops.push({ ...at, cid, prev, bytes })
      }
    }
    this.rev = rev
  }

  /** Throws the log away up to its last `keep` operations. */
  compact(keep = 0): void {
    this.ops = keep === 0 ? [] : this.ops.slice(-keep)
  }

  commit(): Promise<SignedCommit> {
    const { space, author, rev, sign } = this
    return signCommit({ space, author, rev, hash: this.digest, sign })
  }

  async page(since: string, cursor: string | undefined, limit: number): Promise<OpsPage> {
    const after = this.ops.filter((op) => op.rev > since)
    const from = cursor === undefined ? 0 : Number(cursor)
    const ops = after.slice(from, from + limit).map((op) => this.#asServed(op))
    if (from + limit < after.length) return { ops, cursor: String(from + limit) }
    return { ops, commit: await this.commit() }
  }

  async *car(): AsyncGenerator<Uint8Array> {
    const sorted = [...this.records].toSorted(([a], [b]) =>
      comparePaths(Buffer.from(a), Buffer.from(b)),
    )
    async function* index() {
      for (const [path, { cid }] of sorted) yield { path, cid }
    }
    async function* blocks() {
      for (const [, record] of sorted) yield record
    }
    yield* writeRepoCar({ commit: await this.commit(), index: index(), blocks: blocks() })
  }

  /** A value that was superseded is left out. */
  #asServed(op: RepoOp): RepoOp {
    const { bytes: _, ...bare } = op
    return this.records.get(`${op.collection}/${op.rkey}`)?.cid === op.cid ? op : bare
  }
}
