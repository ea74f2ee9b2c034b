import type { Migration } from 'kysely/migration'
import { up as ledger } from './0001-ledger.ts'
import { up as published } from './0002-published.ts'

/** Every migration of schema `ledger` in order. One that has been released is never edited; a new
 *  one follows it. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-ledger': { up: ledger },
  '0002-published': { up: published },
}
