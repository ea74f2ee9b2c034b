import { InvalidRequestError } from '@atproto/xrpc-server'
import type { SqlPool } from '../database/sql.ts'
import type { Desk } from './desk.ts'
import type { EpochChange } from './epoch-change.ts'
import type { KnownEpochs } from './known-epochs.ts'

/** A validator's desk, and how its epochs end. */
export type OpenDesk = { readonly desk: Desk; readonly change: EpochChange }

/** The place of a node among the validators of the ledger that it follows. */
export type Seat = {
  /** The epochs of the ledger; undefined on a node that follows none. */
  readonly epochs: KnownEpochs | undefined
  readonly sql: SqlPool
  /** What the node validates with, or has: who has left still tells what there is in the books. */
  desk(): OpenDesk | undefined
  /** The same, as long as the newest epoch known names the node: nobody else signs. */
  validating(): OpenDesk | undefined
}

const ASK_OTHERS = 'Ask one that the newest epoch of the ledger names.'

/** The epochs of the ledger that is asked for; throws `LedgerUnknown` unless it is followed. */
export function followed({ epochs }: Seat, asked: string | undefined): KnownEpochs {
  const ledger = epochs?.chain[0]?.id
  if (epochs && (asked === undefined || asked === ledger)) return epochs
  const known = ledger === undefined ? 'no ledger' : ledger
  throw new InvalidRequestError(`This node follows ${known}. ${ASK_OTHERS}`, 'LedgerUnknown')
}

/** The books of that ledger, whether or not the node still validates; throws `LedgerUnknown` where
 *  there are none. */
export function booksOf(seat: Seat, asked: string | undefined): OpenDesk {
  followed(seat, asked)
  const found = seat.desk()
  if (found) return found
  throw new InvalidRequestError(`This node has no books. ${ASK_OTHERS}`, 'LedgerUnknown')
}

/** What signs for that ledger; throws `LedgerUnknown` where nothing does. */
export function signingOf(seat: Seat, asked: string | undefined): OpenDesk {
  followed(seat, asked)
  const found = seat.validating()
  if (found) return found
  throw new InvalidRequestError(`This node does not validate. ${ASK_OTHERS}`, 'LedgerUnknown')
}
