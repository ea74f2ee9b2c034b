import { stateRoot } from '../tokens/state-root.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'

/** What a validator's books come to at one moment. */
export type StateFigures = {
  readonly epoch: number
  readonly phase: string
  /** Root of all accounts, in hex. */
  readonly stateRoot: string
  readonly accounts: number
  /** Sum of all balances, micro-tokens. */
  readonly supply: number
  /** Transfers applied in the epoch. */
  readonly transfers: number
}

/** Reads what the books of a ledger come to. It goes through all accounts, so what was computed is
 *  remembered until a transfer is applied or the epoch turns, and who asks meanwhile shares it. */
export function stateFigures(
  crypto: TokenCrypto,
  sql: SqlPool,
  ledger: string,
): () => Promise<StateFigures> {
  let known: { print: string; figures: Promise<StateFigures> } | undefined
  return async () => {
    const { rows } = await sql.query<{ print: string }>(PRINT, [ledger])
    const print = rows[0]?.print ?? ''
    if (known?.print === print) return known.figures
    const figures = compute(crypto, sql, ledger)
    known = { print, figures }
    figures.catch(() => (known = undefined))
    return figures
  }
}

function compute(crypto: TokenCrypto, sql: SqlPool, ledger: string): Promise<StateFigures> {
  return transaction(sql, async (tx) => {
    await tx.query('set transaction isolation level repeatable read')
    const { epoch, phase, transfers } = await whereabouts(tx, ledger)
    type Row = { did: string; seq: string; head: string | null; balance: string }
    const { rows } = await tx.query<Row>(ACCOUNTS, [ledger])
    const accounts = rows.map(({ did, seq, head, balance }) => ({
      did,
      seq: Number(seq),
      ...(head !== null && { head }),
      balance: BigInt(balance),
    }))
    return {
      epoch,
      phase,
      stateRoot: Buffer.from(stateRoot(crypto, accounts)).toString('hex'),
      accounts: accounts.length,
      supply: Number(accounts.reduce((all, { balance }) => all + balance, 0n)),
      transfers,
    }
  })
}

async function whereabouts(
  tx: Sql,
  ledger: string,
): Promise<Pick<StateFigures, 'epoch' | 'phase' | 'transfers'>> {
  type Row = { epoch: number; phase: string; transfers: number }
  const { rows } = await tx.query<Row>(WHERE, [ledger])
  if (!rows[0]) throw new Error(`there are no books of ${ledger}`)
  return rows[0]
}

const PRINT = `select concat_ws(' ', v.epoch, v.phase,
    (select max(a.n) from ledger.applied a where a.ledger = v.ledger)) as print
  from ledger.validator v where v.ledger = $1`
const WHERE = `select v.epoch, v.phase, (select count(*)::int from ledger.applied a
      where a.ledger = v.ledger and a.epoch = v.epoch) as transfers
  from ledger.validator v where v.ledger = $1`
const ACCOUNTS = `select did, seq, head, balance from ledger.account
  where ledger = $1 and (seq > 0 or balance <> 0)`
