import { type Signer, signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import {
  type Change,
  type RepoState,
  type Write,
  change,
  firstState,
  revOf,
} from '../simulator/repo.ts'
import { digest } from '../simulator/tree.ts'
import type { FakeHost } from './fake-host.ts'

/** When the first commit of a world is made, in µs since 1970. */
const BEGIN_MICROS = Date.UTC(2026, 9, 1) * 1000
const STEP_MICROS = 1_000_000

/** Revisions in rising order, the same in every run. */
export class Revisions {
  #micros = BEGIN_MICROS

  next(): string {
    this.#micros += STEP_MICROS
    return revOf(this.#micros)
  }
}

/** An account as it truly is, with a repo that is really signed. */
export class Account {
  readonly did: string
  readonly revisions: Revisions
  /** at how many of the hosts, from the first on, it may live */
  readonly homes: number
  /** how often each path was written with another record */
  readonly puts = new Map<string, number>()
  host: FakeHost
  status = 'active'
  state: RepoState
  /** something was not told, so that one more commit has to come */
  owes = false
  /** its last commit was signed with an earlier key, so that it proves nothing any more */
  outdated = false
  #key: number

  constructor(options: { n: number; host: FakeHost; revisions: Revisions; homes: number }) {
    const { n, host, revisions, homes } = options
    this.did = didOf(n)
    this.homes = homes
    this.host = host
    this.revisions = revisions
    this.#key = n * 1000
    this.state = firstState(this.did, { rev: revisions.next(), signer: this.signer })
    host.served.set(this.did, { state: this.state, status: 'active' })
  }

  get signer(): Signer {
    return signerFromPrivateKey(digest(`key ${this.#key}`))
  }

  /** Signs with another key from now on. */
  rotateKey(): void {
    this.#key += 1
    this.outdated = true
  }

  /** Commits writes; the repo is there from now on, and nobody has been told. */
  commit(writes: readonly Write[]): Change {
    const { state, revisions, signer } = this
    for (const { path, block } of writes) {
      if (block !== null) this.puts.set(path, (this.puts.get(path) ?? 0) + 1)
    }
    const made = change(state, writes, { rev: revisions.next(), signer })
    this.become(made.after)
    return made
  }

  /** Takes another state as the repo's, at the account's host too. */
  become(state: RepoState): void {
    this.state = state
    this.outdated = false
    this.host.served.set(this.did, { state, status: this.status })
  }

  /** Takes another status, at the account's host too. */
  turn(status: string): void {
    this.status = status
    this.host.served.set(this.did, { state: this.state, status })
  }
}

/** The DID of an account by its number. */
export function didOf(n: number): string {
  const letters = [1, 26, 676, 17_576].map((unit) => Math.floor(n / unit) % 26)
  const name = letters.map((at) => String.fromCharCode(97 + at)).join('')
  return `did:plc:${name.padEnd(24, '2')}`
}
