import { encodeRecord } from '../tokens/encoding.ts'
import type { LedgerStore } from '../tokens/ledger-store.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { type AccountRow, accountOf, loadView, readApplied } from './load-view.ts'
import { writeAccounts, writeApplied, writeLocks, writeMinted } from './write-changes.ts'

/** Which validator's books, and the start of the process that keeps them. */
export type Books = {
  readonly sql: SqlPool
  readonly ledger: string
  readonly start: number
}

/** A ledger store on Postgres, schema `ledger`. Each commit is one transaction, which fails when
 *  another process has taken the books over since; a second vote for a number breaks the key of
 *  `ledger.lock` and fails with it. */
export function postgresStore(books: Books, epoch: { number: number }): LedgerStore {
  const { sql, ledger } = books
  return {
    load: (touched) => loadView(sql, { ledger, epoch: epoch.number }, touched),
    commit: (changes) =>
      transaction(sql, async (tx) => {
        await fence(tx, books)
        const at = { ledger, epoch: epoch.number }
        await writeLocks(tx, at, changes)
        await writeApplied(tx, at, changes)
        await writeAccounts(tx, ledger, changes)
        await writeMinted(tx, at, changes)
        for (const one of changes) {
          if (one.change === 'evidence') {
            await tx.query(EVIDENCE, [ledger, one.account, one.seq, ...one.records])
          } else if (one.change === 'batch') {
            const { number } = one.head
            const head = encodeRecord(one.head)
            await tx.query(BATCH, [ledger, epoch.number, number, one.id, head])
          }
        }
      }),
    async lastBatch() {
      const { rows } = await sql.query<{ number: number; id: string }>(LAST_BATCH, [
        ledger,
        epoch.number,
      ])
      return rows[0]
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
        const list = [...opening.values()]
        await tx.query('delete from ledger.opening where ledger = $1', [ledger])
        await tx.query(RESET, [ledger])
        await writeAccounts(
          tx,
          ledger,
          list.map((account) => ({ change: 'account' as const, account })),
          { keepPins: true },
        )
        await tx.query(OPENING, [ledger])
        await tx.query(TURN, [ledger, number, current.phase])
      })
      epoch.number = number
    },
  }
}

/** Holds the books for this transaction, if they are still this process's. */
export async function fence(tx: Sql, { ledger, start }: Books): Promise<void> {
  const { rows } = await tx.query(FENCE, [ledger, start])
  if (rows.length === 0) {
    throw new Error('another process has started this validator, or its database was replaced')
  }
}

const FENCE = {
  name: 'ledger-fence',
  text: 'select 1 from ledger.validator where ledger = $1 and start = $2 for update',
}
const EVIDENCE = `insert into ledger.evidence (ledger, account, seq, first, second)
  values ($1, $2, $3, $4, $5) on conflict do nothing`
const BATCH = `insert into ledger.batch (ledger, epoch, number, id, head)
  values ($1, $2, $3, $4, $5)`
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
