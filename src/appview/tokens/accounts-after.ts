import { type Account, emptyAccount } from '../../tokens/account.ts'
import type { Sql } from '../sql.ts'

/** The accounts of a ledger as the views have them after an epoch, the ones before it with it: what
 *  balances are read from, not what was said of them. */
export async function accountsAfter(
  sql: Sql,
  ledger: string,
  epoch: number,
): Promise<Map<string, Account>> {
  const { rows } = await sql.query<Row>(ACCOUNTS, [ledger, epoch])
  return new Map(
    rows.map(({ did, sum, seq, head }) => [
      did,
      {
        ...emptyAccount(did),
        balance: BigInt(sum),
        seq: Number(seq),
        ...(head !== null && { head }),
      },
    ]),
  )
}

type Row = { did: string; sum: string; seq: string; head: string | null }

const ACCOUNTS = `with s as (
    select account as did, sum(amount)::text as sum from node."tokenPosting"
    where ledger = $1 and epoch <= $2 group by account),
  h as (
    select distinct on (account) account as did, seq, id as head from node."tokenContent"
    where ledger = $1 and epoch <= $2 and "isCounted" order by account, seq desc)
  select did, coalesce(s.sum, '0') as sum, coalesce(h.seq, '0') as seq, h.head
  from s full join h using (did)`
