import type { Account, AccountKeys } from './account.ts'
import type { Phase } from './attestation.ts'
import type { Certificate } from './certificate.ts'
import type { Committee, Epoch } from './epoch.ts'
import type { Grant } from './grants.ts'
import type { Person } from './pool-rules.ts'
import type { ReadTransfer } from './transfer.ts'

/** `open`: everything goes. `draining`: no new locks. `sealed`: nothing new is signed; votes that
 *  were given before are given again, since the seal covers what they were about. */
export type EpochPhase = 'open' | 'draining' | 'sealed'

/** The epoch that a validator is in. */
export type CurrentEpoch = {
  readonly epoch: Epoch
  readonly committee: Committee
  readonly pools: ReadonlyMap<string, Grant>
  readonly persons: ReadonlyMap<string, Person>
  readonly phase: EpochPhase
}

/** The one transfer a validator has voted for at a number of an account in this epoch. */
export type Lock = {
  readonly account: string
  readonly seq: number
  readonly id: string
  readonly senderKey: string
  readonly observedAt: string
  /** The transfer's canonical bytes. */
  readonly record: Uint8Array
}

/** A transfer that was applied in this epoch. */
export type Applied = {
  readonly account: string
  readonly seq: number
  readonly id: string
  readonly senderKey: string
  /** When this validator has applied it. */
  readonly observedAt: string
  readonly record: Uint8Array
  readonly certificate: Certificate
}

/** What a decision looks at. Whoever decides has loaded what the transfer touches. */
export type LedgerView = {
  readonly current: CurrentEpoch
  account(did: string): Account | undefined
  /** The lock of this epoch at the account's next number. */
  lock(account: string): Lock | undefined
  /** What was applied at a number in this epoch. */
  applied(account: string, seq: number): Applied | undefined
  /** What a pool has given a receiver in this epoch, micro-tokens. */
  minted(pool: string, receiver: string): bigint
}

/** One step of a validator's state. All steps of a decision are durable before anything it signs
 *  leaves. */
export type Change =
  | { readonly change: 'account'; readonly account: Account }
  | { readonly change: 'lock'; readonly lock: Lock }
  | { readonly change: 'unlock'; readonly account: string; readonly seq: number }
  | { readonly change: 'applied'; readonly applied: Applied }
  | {
      readonly change: 'minted'
      readonly pool: string
      readonly receiver: string
      /** All of the epoch so far. */
      readonly amount: bigint
    }
  | {
      readonly change: 'evidence'
      readonly account: string
      readonly seq: number
      readonly records: readonly [Uint8Array, Uint8Array]
    }

/** A vote that is due: what it is about, which key of the sender was checked, and since when. */
export type Vote = {
  readonly phase: Phase
  readonly account: string
  readonly seq: number
  readonly prev?: string
  readonly id: string
  readonly senderKey: string
  readonly observedAt: string
}

/** A transfer whose proofs were checked: it stands in the account's repo, its owner wants it. */
export type Order = ReadTransfer & {
  /** did:key that has signed the spending. */
  readonly senderKey: string
  readonly keys: AccountKeys
}
