import type { LedgerStore } from '../tokens/ledger-store.ts'
import { type Sql, type SqlPool, againstConflicts, transaction } from '../database/sql.ts'
import { type AccountRow, accountOf, loadView, readApplied } from './load-view.ts'
import { writeGroup, writeOpening } from './write-changes.ts'

/** Which validator's books, and the start of the process that keeps them. */
export type Books = {
  readonly sql: SqlPool
  readonly ledger: string
  readonly start: number
}

/** A ledger store on Postgres, schema `ledger`. Each commit is one statement, which fails when
 *  another process has taken the books over since; a second vote for a number breaks the key of
 *  `ledger.lock` and fails with it. */
export function postgresStore(books: Books, epoch: { number: number }): LedgerStore {
  const { sql, ledger, start } = books
  // The books have one writer; after a commit that failed nobody knows which batch is the last.
  let batches: { readonly last: LastBatch } | undefined
  return {
    load: (touched) => loadView(sql, { ledger, epoch: epoch.number }, touched),
    async commit(changes) {
      const before = batches
      batches = undefined
      const at = { ledger, epoch: epoch.number, start }
      if (!(await againstConflicts(() => writeGroup(sql, at, changes)))) throw taken()
      const kept = changes.findLast((one) => one.change === 'batch')
      batches = kept ? { last: { number: kept.head.number, id: kept.id } } : before
    },
    async lastBatch() {
      batches ??= { last: await readLastBatch(sql, ledger, epoch.number) }
      return batches.last
    },
    async everything() {
      const [accounts, applied] = [
        await sql.query<AccountRow>(ACCOUNTS, [ledger]),
        await readApplied(sql, ledger, epoch.number),
      ]
      const all = accounts.rows.map(accountOf)
      return { accounts: new Map(all.map((account) => [account.did, account])), applied }
    },
    async enter(current, opening) {
      const number = current.committee.epoch
      await transaction(sql, async (tx) => {
        await fence(tx, books)
        await tx.query('delete from ledger.opening where ledger = $1', [ledger])
        await tx.query(RESET, [ledger])
        await writeOpening(tx, ledger, [...opening.values()])
        await tx.query(OPENING, [ledger])
        await tx.query(TURN, [ledger, number, current.phase])
      })
      epoch.number = number
      batches = undefined
    },
  }
}

/** Holds the books for this transaction, if they are still this process's. */
export async function fence(tx: Sql, { ledger, start }: Books): Promise<void> {
  const { rows } = await tx.query(FENCE, [ledger, start])
  if (rows.length === 0) throw taken()
}

function taken(): Error {
  return new Error('another process has started this validator, or its database was replaced')
}

type LastBatch = { readonly number: number; readonly id: string } | undefined

async function readLastBatch(sql: Sql, ledger: string, epoch: number): Promise<LastBatch> {
  const { rows } = await sql.query<{ number: number; id: string }>(LAST_BATCH, [ledger, epoch])
  return rows[0]
}

const FENCE = {
  name: 'ledger-fence',
  text: 'select 1 from ledger.validator where ledger = $1 and start = $2 for update',
}
const LAST_BATCH = {
  name: 'ledger-last-batch',
  text: `select number, id from ledger.batch where ledger = $1 and epoch = $2
    order by number desc limit 1`,
}
const ACCOUNTS = `select did, seq, head, balance, spent, pins from ledger.account
  where ledger = $1`
/** Of an account only its keys outlive the epoch; all who count are opened anew. */
const RESET = `update ledger.account set seq = 0, head = null, balance = 0, spent = 0
  where ledger = $1`
const OPENING = `insert into ledger.opening (ledger, did, seq, head, balance)
  select ledger, did, seq, head, balance from ledger.account
  where ledger = $1 and (seq > 0 or balance <> 0)`
const TURN = 'update ledger.validator set epoch = $2, phase = $3 where ledger = $1'
