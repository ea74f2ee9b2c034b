import { type Signer, signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import type { Host } from './host.ts'
import { type Change, type RepoState, type Write, change, firstState, revOf } from './repo.ts'
import { type Block, digest } from './tree.ts'

/** Collections of ours, and one of others'. */
export const OURS = ['co.kendev.test.note', 'co.kendev.test.item', 'co.kendev.spaces.sketch']
export const OTHERS = ['app.bsky.feed.like']

const KEYS = 64
const signers = new Map<number, Signer>()

/** A key of a small stock, for making keys takes longer than using them. */
export function signerNumber(n: number): Signer {
  const at = n % KEYS
  const signer = signers.get(at) ?? signerFromPrivateKey(digest(`key ${at}`))
  signers.set(at, signer)
  return signer
}

/** An account as it truly is. */
export class Person {
  readonly did: string
  /** paths with CIDs that a key of this account has ever signed */
  readonly ever = new Set<string>()
  /** CIDs of blocks that are no record anybody can show */
  readonly poison: ReadonlySet<string>
  /** origins of the hosts where it has lived */
  readonly places = new Set<string>()
  key: number
  status = 'active'
  state: RepoState
  /** a commit of which no consumer can know before it looks by itself, or before the next one */
  hidden = false
  /** the same of its status */
  hiddenStatus = false
  /** who it is has changed in ways of which the directory told late */
  murky = false
  /** it writes nothing more by itself, so that nothing later shows what was missed */
  rests = false
  /** its host was put back to a backup, so that its next commit has to come */
  owesCommit = false
  #host: Host
  #lastMicros = 0

  constructor(options: {
    did: string
    host: Host
    key: number
    micros: number
    poison: ReadonlySet<string>
  }) {
    this.did = options.did
    this.#host = options.host
    this.places.add(options.host.origin)
    this.key = options.key
    this.poison = options.poison
    const signing = { rev: this.nextRev(options.micros), signer: this.signer }
    this.state = firstState(this.did, signing)
    this.host.served.set(this.did, { state: this.state, status: 'active', past: [] })
  }

  get host(): Host {
    return this.#host
  }

  set host(host: Host) {
    this.#host = host
    this.places.add(host.origin)
  }

  get signer(): Signer {
    return signerNumber(this.key)
  }

  /** A revision after all before. */
  nextRev(micros: number): string {
    this.#lastMicros = Math.max(this.#lastMicros + 1, micros)
    return revOf(this.#lastMicros)
  }

  /** Writes on top of `base`, without becoming the truth yet. */
  prepare(writes: readonly Write[], micros: number, base: RepoState = this.state): Change {
    const signing = { rev: this.nextRev(micros), signer: this.signer }
    return this.signed(change(base, writes, signing))
  }

  /** Another commit of the same revision as one that was told. */
  twin(writes: readonly Write[], { before, after }: Change): Change {
    return this.signed(change(before, writes, { rev: after.rev, signer: this.signer }))
  }

  /** Notes that the account itself has signed this. */
  signed(made: Change): Change {
    for (const { path, block } of made.writes) {
      if (block !== null) this.ever.add(`${path} ${block.link}`)
    }
    return made
  }

  /** The state is the truth from now on, at the account's host. */
  become(state: RepoState): void {
    this.state = state
    const served = this.host.served.get(this.did)
    if (served === undefined) return
    served.past.push(served.state)
    served.state = state
  }

  /** The records that may be shown, path → CID. */
  shown(): Map<string, string> {
    if (this.status !== 'active') return new Map()
    const all = [...this.state.records].filter(([path, block]) => this.#isShown(path, block))
    return new Map(all.map(([path, block]) => [path, block.link]))
  }

  #isShown(path: string, { link }: Block): boolean {
    return path.startsWith('co.kendev.') && !this.poison.has(link)
  }
}
