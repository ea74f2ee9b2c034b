import type { Account } from './account.ts'
import type { BatchHead } from './attestation.ts'
import type { Applied, Change, CurrentEpoch, LedgerView } from './ledger-view.ts'

/** What a group of decisions looks at. */
export type Touched = {
  readonly accounts: readonly string[]
  /** Numbers of accounts that may have been applied in this epoch. */
  readonly numbers: readonly { readonly account: string; readonly seq: number }[]
  /** Receivers of pools. */
  readonly mints: readonly { readonly pool: string; readonly receiver: string }[]
}

/** A batch that is about to be signed; number and head are kept so that batches form a chain. */
export type KeptBatch = { readonly change: 'batch'; readonly head: BatchHead; readonly id: string }

/** Where a validator keeps its state. */
export type LedgerStore = {
  /** Loads what decisions need, of the current epoch. */
  load(touched: Touched): Promise<Omit<LedgerView, 'current'>>
  /** Stores all steps or none; they are durable when it resolves. Of an account and number it keeps
   *  the first evidence only: one pair convicts, and anybody can sign a thousand. */
  commit(changes: readonly (Change | KeptBatch)[]): Promise<void>
  /** The last batch that was kept. */
  lastBatch(): Promise<{ readonly number: number; readonly id: string } | undefined>
  /** All accounts and all transfers applied, when an epoch ends. */
  everything(): Promise<{
    readonly accounts: ReadonlyMap<string, Account>
    readonly applied: readonly Applied[]
  }>
  /** Goes over to another epoch: its opening accounts, without locks, mints and applied. The keys
   *  pinned so far stay (`withPins`). */
  enter(current: CurrentEpoch, opening: ReadonlyMap<string, Account>): Promise<void>
}
