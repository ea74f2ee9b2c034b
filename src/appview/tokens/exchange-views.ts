import type { l } from '@atproto/lex'
import type { co } from '../../lexicons/index.ts'
import { type Exchanged, exchangesOf } from '../../tokens/worth/exchange-state.ts'
import { instant } from '../define.ts'
import { type Looking, lookUp } from '../look.ts'
import { cutPage, decodeCursor } from '../serve-list.ts'
import { type ExchangeHistory, type KeptQuote, historiesOf } from './exchange-histories.ts'

type ExchangeView = co.kendev.tokens.defs.ExchangeView

/** Most payments for one quote that are shown; anybody may pay anything. */
const EACH_MAX = 10

/** What may be asked of a list of exchanges. */
type Asked = {
  readonly account: string
  readonly role?: string
  readonly limit?: number
  readonly cursor?: string
  readonly now: Date
}

/** A page of the exchanges of an account, newest quote first. A quote that was paid more than once
 *  is there with each payment. Throws `InvalidCursor`. */
export async function listExchanges(
  looking: Looking,
  { account, role, limit = 50, cursor, now }: Asked,
): Promise<{ items: ExchangeView[]; cursor?: string }> {
  const values: unknown[] = [account]
  const parts = role === 'provider' ? [PROVIDES] : role === 'customer' ? PAYS : [PROVIDES, ...PAYS]
  const before = cursor === undefined ? '' : 'where (q."createdAt", q.uri) < ($2, $3)'
  if (cursor !== undefined) values.push(...decodeCursor(cursor))
  const { rows } = await looking.sql.query<KeptQuote>(
    `with m as (${parts.join(' union ')})
     select q.uri, q.cid, q.provider, q.content, q."createdAt" from m
     join node."tokenQuote" q on q.uri = m.uri and q.cid = m.cid ${before}
     order by q."createdAt" desc, q.uri desc limit ${limit + 1}`,
    values,
  )
  const page = cutPage(rows as never, limit, 'createdAt')
  const histories = await historiesOf(looking.sql, page.rows as unknown as KeptQuote[])
  const items = await viewsOf(looking, histories, { account, now })
  return { items, ...(page.cursor !== undefined && { cursor: page.cursor }) }
}

const PROVIDES = `select uri, cid from node."tokenQuote" where provider = $1`
/** Whom quotes are for, and who has paid on one of somebody else. */
const PAYS = [
  `select uri, cid from node."tokenQuote" where customer = $1`,
  `select p.uri, p.cid from node."tokenContent" k
     join node."tokenQuote" p on p.uri = k.quote and p.cid = k."quoteCid"
     where k.account = $1 and k.quote <> '' and p.provider <> $1`,
]

async function viewsOf(
  looking: Looking,
  histories: readonly ExchangeHistory[],
  { account, now }: Pick<Asked, 'account' | 'now'>,
): Promise<ExchangeView[]> {
  const all = histories.flatMap((history) =>
    exchangesOf(history, now.getTime())
      .filter((one) => [history.kept.provider, customerOf(history, one)].includes(account))
      .toSorted((a, b) => Number(b.takes) - Number(a.takes))
      .slice(0, EACH_MAX)
      .map((exchanged) => ({ history, exchanged })),
  )
  const people = all.flatMap(({ history, exchanged }) => [
    history.kept.provider,
    customerOf(history, exchanged),
  ])
  const look = await lookUp(looking, [...new Set(people)])
  return all.map(({ history, exchanged }) => ({
    ...termsOf(history),
    provider: look.person(history.kept.provider as l.DidString),
    customer: look.person(customerOf(history, exchanged) as l.DidString),
    ...cameOf(history, exchanged),
  }))
}

function customerOf({ kept }: ExchangeHistory, { payment }: Exchanged): string {
  return payment?.from ?? kept.content.customer
}

function termsOf({ kept: { uri, cid, content } }: ExchangeHistory) {
  const { paid, delivered, minOut, expiresAt, deliverBy } = content
  const quote = { uri: uri as l.AtUriString, cid: cid as l.CidString }
  return { quote, paid, delivered, minOut, expiresAt, deliverBy }
}

function cameOf(history: ExchangeHistory, exchanged: Exchanged) {
  const { content } = history.kept
  const { state, payment, takes, delivered, refunded, due } = exchanged
  const at = history.payments.find(({ id }) => id === payment?.id)
  const last = (leg: string) =>
    history.answers.findLast((one) => one.leg === leg && one.answers === payment?.id)?.uri
  const [delivery, refund] = [last('delivered'), last('refund')]
  return {
    state,
    amount: Number(payment?.amount ?? content.amount),
    fee: Number(payment?.fee ?? content.fee),
    ...(at && { payment: at.uri, paidAt: instant(new Date(at.at)), takesQuote: takes }),
    ...(delivery !== undefined && { delivery }),
    deliveredAmount: Number(delivered),
    ...(refund !== undefined && { refund }),
    refundedAmount: Number(refunded),
    refundDue: Number(due),
  }
}
