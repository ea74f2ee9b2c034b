import type { LexMap } from '@atproto/lex'
import type { Sql } from '../../database/sql.ts'

/** A change of a record that is being stored; a deletion has no record. */
export type GuardedChange = {
  space: string
  did: string
  collection: string
  rkey: string
  rev: string
  record: LexMap | undefined
}

/** What must hold, and be kept, together with certain records. */
export type Guard = {
  concerns(at: { space: string; did: string; collection: string }): boolean
  /** Runs in the transaction that stores the record; what it throws undoes the whole batch and is
   *  the caller's answer. It may be run again and has no effects but those on `tx`. */
  apply(tx: Sql, change: GuardedChange): Promise<void>
}
