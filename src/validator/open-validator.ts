import { committeeOf, readEpoch, type ReadEpoch } from '../tokens/epoch.ts'
import { poolsOf } from '../tokens/grants.ts'
import type { LedgerStore } from '../tokens/ledger-store.ts'
import type { CurrentEpoch, EpochPhase } from '../tokens/ledger-view.ts'
import type { Person } from '../tokens/pool-rules.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { openEpoch } from '../tokens/settle.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import { type Validator, createValidator } from '../tokens/validator.ts'
import type { Clock } from '../clock.ts'
import type { SqlPool } from '../database/sql.ts'
import { openBooks } from './books.ts'
import { postgresStore } from './postgres-store.ts'

export type OpenedValidator = {
  readonly validator: Validator
  readonly store: LedgerStore
  readonly did: string
  readonly genesis: ReadEpoch
  readonly signer: TokenSigner
}

/** Opens the books of a ledger and goes on where the validator was; at the first start it enters
 *  the first epoch with what that grants. Throws when the key must not sign any more. */
export async function openValidator(of: {
  readonly sql: SqlPool
  readonly genesis: ReadEpoch
  readonly did: string
  readonly signer: TokenSigner
  readonly crypto: TokenCrypto
  readonly clock: Clock
  readonly startsFile: string
  readonly batched?: boolean
}): Promise<OpenedValidator> {
  const { sql, genesis, did, signer, crypto, clock, startsFile, batched = true } = of
  const books = await openBooks(sql, { genesis, did, startsFile })
  const epoch = readEpoch(crypto, books.record)
  if (isRefusal(epoch)) throw new Error(`the stored epoch is ${epoch.reason}: ${epoch.detail}`)
  const current = enteredEpoch(epoch, books.phase, new Map())
  const at = { number: books.epoch }
  const store = postgresStore({ sql, ledger: genesis.id, start: books.start }, at)
  if (books.isNew) await store.enter(current, openEpoch([], epoch.epoch.grants))
  const now = () => clock.now().toISOString()
  const validator = createValidator({ did, crypto, signer, store, now, current, batched })
  return { validator, store, did, genesis, signer }
}

/** An epoch as decisions look at it. */
export function enteredEpoch(
  read: Pick<ReadEpoch, 'epoch' | 'id'>,
  phase: EpochPhase,
  persons: ReadonlyMap<string, Person>,
): CurrentEpoch {
  const { epoch } = read
  return { epoch, committee: committeeOf(read), pools: poolsOf(epoch.grants), persons, phase }
}
