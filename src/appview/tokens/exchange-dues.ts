import { nextAnswer } from '../../tokens/worth/exchange-state.ts'
import type { Sql } from '../sql.ts'
import { type ExchangeHistory, type KeptQuote, historiesOf } from './exchange-histories.ts'

/** What a provider is to do about a certified payment. */
export type ExchangeDue = {
  readonly paid: { readonly uri: string; readonly cid: string }
  readonly quote: { readonly uri: string; readonly cid: string }
  readonly leg: 'delivered' | 'refund'
  readonly to: string
  /** micro-tokens of `ledger` */
  readonly amount: bigint
  /** The ledger that it is given on. */
  readonly ledger: string
  /** Both ledgers of the exchange. */
  readonly ledgers: readonly string[]
  readonly toTenant?: string
}

/** Quotes looked at in one round, oldest first. */
const AT_ONCE = 100

/** How long after a quote has ended a payment for it is looked for at once. */
const FRESH_MS = 600_000

/** Accounts that have given quotes, and whether one of these was open a little while ago. */
export async function quotingAccounts(
  sql: Sql,
  now: Date,
): Promise<{ did: string; isFresh: boolean }[]> {
  const since = new Date(now.getTime() - FRESH_MS)
  const { rows } = await sql.query<{ did: string; isFresh: boolean }>(PROVIDERS, [since])
  return rows
}

/** What is to be done about the certified payments to a provider that it has not answered, oldest
 *  first. */
export async function exchangeDues(sql: Sql, provider: string, now: Date): Promise<ExchangeDue[]> {
  const { rows } = await sql.query<KeptQuote>(OPEN, [provider, AT_ONCE])
  const histories = await historiesOf(sql, rows)
  return histories.flatMap((history) => duesOf(history, now.getTime()))
}

function duesOf(history: ExchangeHistory, now: number): ExchangeDue[] {
  const { uri, cid, content } = history.kept
  const { paid, delivered, toTenant } = content
  return history.payments.flatMap((payment) => {
    const next = nextAnswer(history, payment, now)
    if (!next) return []
    const { leg, amount } = next
    const due = {
      paid: { uri: payment.uri, cid: payment.cid },
      quote: { uri, cid },
      leg,
      to: payment.from,
      amount,
      ledger: leg === 'refund' ? paid : delivered,
      ledgers: [...new Set([paid, delivered])],
    }
    return leg === 'delivered' && toTenant !== undefined ? { ...due, toTenant } : due
  })
}

const PROVIDERS = `select did, bool_or("isFresh") as "isFresh" from (
    select provider as did, false as "isFresh" from node."tokenQuote"
    union all
    select did, "expiresAt" > $1 from appview."tokenExchangeQuote") q
  group by did order by did limit 1000`

/** Only what has paid the provider keeps a quote here; anybody may name one. */
const OPEN = `select q.uri, q.cid, q.provider, q.content, q."createdAt"
  from node."tokenQuote" q where q.provider = $1 and exists (
    select 1 from node."tokenContent" k
    where k.quote = q.uri and k.quote <> '' and k."quoteCid" = q.cid and k."isCounted"
      and k.account <> q.provider
      and exists (select 1 from node."tokenPosting" p
        where p.transfer = k.id and p.account = q.provider and p.amount > 0)
      and not exists (select 1 from node."tokenContent" a
        where a.ref = k.uri and a.account = q.provider and a."isCounted" and a.quote = q.uri))
  order by q."createdAt", q.uri limit $2`
