import type { Account } from '../tokens/account.ts'
import { type Epoch, type ReadEpoch, committeeOf, readEpoch } from '../tokens/epoch.ts'
import { poolsOf } from '../tokens/grants.ts'
import type { LedgerStore } from '../tokens/ledger-store.ts'
import type { CurrentEpoch, EpochPhase } from '../tokens/ledger-view.ts'
import type { Person } from '../tokens/pool-rules.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import { openEpoch } from '../tokens/settle.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import { type Validator, createValidator } from '../tokens/validator.ts'
import { readSnapshot } from './read-snapshot.ts'
import type { Clock } from '../clock.ts'
import type { SqlPool } from '../database/sql.ts'
import { openBooks } from './books.ts'
import { keepEpoch, keepHeard } from './epoch-books.ts'
import { type Books, postgresStore } from './postgres-store.ts'
import { listEpochRecords } from './read-ledger.ts'

export type OpenedValidator = {
  readonly validator: Validator
  readonly store: LedgerStore
  readonly did: string
  readonly genesis: ReadEpoch
  readonly signer: TokenSigner
  readonly books: Books
  /** An epoch that is in the books. */
  epochAt(crypto: TokenCrypto, epoch: number): Promise<ReadEpoch | undefined>
}

/** An epoch as a validator begins with it that was not in the one before: the epochs up to it, the
 *  accounts before its grants, and the snapshot of persons that it pins. */
export type Beginning = {
  readonly epochs: readonly ReadEpoch[]
  readonly accounts: readonly Account[]
  readonly personhood?: Uint8Array
}

/** Opens the books of a ledger and goes on where the validator was; at the first start it enters
 *  the epoch it begins with, or the first one with what that grants. Killed on the way, it does so
 *  again. Throws when the key must not sign any more. */
export async function openValidator(of: {
  readonly sql: SqlPool
  readonly genesis: ReadEpoch
  readonly did: string
  readonly signer: TokenSigner
  readonly crypto: TokenCrypto
  readonly clock: Clock
  readonly startsFile: string
  readonly batched?: boolean
  readonly beginning?: Beginning
}): Promise<OpenedValidator> {
  const { sql, genesis, did, signer, crypto, clock, startsFile, batched = true, beginning } = of
  const books = await openBooks(sql, { genesis, did, startsFile })
  const epoch = readEpoch(crypto, books.record)
  if (isRefusal(epoch)) throw new Error(`the stored epoch is ${epoch.reason}: ${epoch.detail}`)
  const persons = pinnedPersons(crypto, epoch.epoch, books.personhood)
  if (isRefusal(persons)) throw new Error(`the stored snapshot is ${persons.reason}`)
  const at = { number: books.epoch }
  const own = { sql, ledger: genesis.id, start: books.start }
  const store = postgresStore(own, at)
  const first = beginning ?? { epochs: [epoch], accounts: [] }
  const current = books.isNew
    ? await beginWith(crypto, { books: own, store }, first)
    : enteredEpoch(epoch, books.phase, persons)
  const now = () => clock.now().toISOString()
  const validator = createValidator({ did, crypto, signer, store, now, current, batched })
  const epochAt = async (by: TokenCrypto, number: number) => {
    const [record] = await listEpochRecords(sql, genesis.id, { from: number, limit: 1 })
    const read = record && readEpoch(by, record)
    return read && !isRefusal(read) && read.epoch.epoch === number ? read : undefined
  }
  return { validator, store, did, genesis, signer, books: own, epochAt }
}

/** Enters an epoch from what it begins with, all of it or none. */
export async function beginWith(
  crypto: TokenCrypto,
  { books, store }: Pick<OpenedValidator, 'books' | 'store'>,
  { epochs, accounts, personhood }: Beginning,
): Promise<CurrentEpoch> {
  const last = epochs.at(-1)!
  const persons = pinnedPersons(crypto, last.epoch, personhood)
  if (isRefusal(persons)) throw new Error(`${persons.reason}: ${persons.detail}`)
  await keepHeard(books.sql, books.ledger, epochs.slice(0, -1))
  await keepEpoch(books, last, [], personhood)
  const entered = enteredEpoch(last, 'open', persons)
  await store.enter(entered, openEpoch(accounts, last.epoch.grants))
  return entered
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

/** The persons that an epoch pins, by its snapshot; none where it pins none. It was made for this
 *  epoch of this ledger, or for one before: the first epoch's names no ledger. */
export function pinnedPersons(
  crypto: TokenCrypto,
  { personhood: pinned, ledger, epoch }: Pick<Epoch, 'personhood' | 'ledger' | 'epoch'>,
  record: Uint8Array | undefined,
): ReadonlyMap<string, Person> | Refusal {
  if (pinned === undefined) return new Map()
  if (!record) return refuse('WrongPersonhood', `the epoch pins ${pinned}; send the snapshot too`)
  const read = readSnapshot(crypto, record, pinned)
  if (isRefusal(read)) return read
  const { snapshot, persons } = read
  const due = snapshot.epoch === 0 ? undefined : ledger
  if (snapshot.ledger !== due || snapshot.epoch > epoch) {
    const of = `epoch ${snapshot.epoch} of ${snapshot.ledger ?? 'no ledger'}`
    return refuse('WrongPersonhood', `a snapshot for ${of}`)
  }
  return persons
}
