import { nativeCrypto as crypto } from '../../crypto/native.ts'
import type { co } from '../../lexicons/index.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { type ReadTransfer, readTransfer } from '../../tokens/transfer.ts'
import type { PaidLeg } from '../../tokens/worth/exchange.ts'
import type { QuoteHistory } from '../../tokens/worth/exchange-state.ts'
import type { ExchangeAnswer } from '../../tokens/worth/unmatched-legs.ts'
import type { Sql } from '../sql.ts'

/** A quote as it was kept. */
export type KeptQuote = {
  readonly uri: string
  readonly cid: string
  readonly provider: string
  readonly content: co.kendev.tokens.exchangeQuote.Main
  readonly createdAt: Date
}

/** A quote with the certified transfers that name it, each by its address. */
export type ExchangeHistory = Omit<QuoteHistory, 'payments' | 'answers'> & {
  readonly kept: KeptQuote
  readonly payments: readonly (PaidLeg & { readonly uri: string; readonly cid: string })[]
  readonly answers: readonly (ExchangeAnswer & { readonly uri: string })[]
}

/** Looks up what certified transfers have made of quotes. Nothing else counts: a transfer that was
 *  only written, or that an epoch has ended without, is not seen. */
export async function historiesOf(
  sql: Sql,
  quotes: readonly KeptQuote[],
): Promise<ExchangeHistory[]> {
  const uris = quotes.map(({ uri }) => uri)
  const { rows } = await sql.query<Row>({ name: 'token exchange legs', text: LEGS }, [uris])
  const legs = Map.groupBy(
    rows.flatMap((row) => legOf(row) ?? []),
    ({ row }) => `${row.quote} ${row.quoteCid}`,
  )
  return quotes.map((kept) => historyOf(kept, legs.get(`${kept.uri} ${kept.cid}`) ?? []))
}

type Row = {
  uri: string
  account: string
  quote: string
  quoteCid: string
  ref: string | null
  cid: string | null
  at: Date
  bytes: Buffer
}
type Leg = { readonly row: Row; readonly read: ReadTransfer }

function legOf(row: Row): Leg | undefined {
  const read = readTransfer(crypto, row.account, new Uint8Array(row.bytes))
  if (isRefusal(read) || read.transfer.kind !== 'cross_tenant_exchange') return undefined
  return { row, read }
}

function historyOf(kept: KeptQuote, legs: readonly Leg[]): ExchangeHistory {
  const { provider, content } = kept
  const of = (leg: string, ledger: string) =>
    legs.filter(
      ({ read: { transfer } }) => transfer.exchange?.leg === leg && transfer.ledger === ledger,
    )
  const payments = of('paid', content.paid).flatMap((leg) => paymentOf(kept, leg) ?? [])
  const ids = new Map(payments.map(({ uri, id }) => [uri, id]))
  const answered = (leg: ExchangeAnswer['leg'], ledger: string) =>
    of(leg, ledger)
      .filter(({ row }) => row.account === provider)
      .flatMap((one) => answersOf(one, leg, ids))
  return {
    kept,
    quote: {
      num: BigInt(content.num),
      den: BigInt(content.den),
      fee: BigInt(content.fee),
      minOut: BigInt(content.minOut),
      maxIn: BigInt(content.amount),
      customer: content.customer,
      expiresAt: new Date(content.expiresAt).toISOString(),
    },
    deliverBy: Date.parse(content.deliverBy),
    payments,
    answers: [...answered('delivered', content.delivered), ...answered('refund', content.paid)],
  }
}

function paymentOf({ provider, content }: KeptQuote, { row, read }: Leg) {
  let [amount, fee] = [0n, 0n]
  for (const credit of read.transfer.credits) {
    if (credit.role === 'fee') {
      if (credit.to === content.feeAccount) fee += BigInt(credit.amount)
    } else if (credit.to === provider) amount += BigInt(credit.amount)
  }
  if (amount === 0n || row.account === provider) return undefined
  const { uri, cid, at } = row
  const leg = { id: read.id, from: row.account, to: provider, amount, fee, at: at.toISOString() }
  return { ...leg, uri, cid: cid ?? read.id }
}

/** One to each who is given something; what answers nothing that is known here says so. */
function answersOf(
  { row, read }: Leg,
  leg: ExchangeAnswer['leg'],
  ids: ReadonlyMap<string, string>,
): (ExchangeAnswer & { uri: string })[] {
  const answers = ids.get(row.ref ?? '') ?? `unknown ${row.ref ?? read.id}`
  return read.transfer.credits
    .filter(({ role }) => role !== 'fee')
    .map(({ to, amount }) => ({
      leg,
      answers,
      from: row.account,
      to,
      amount: BigInt(amount),
      uri: row.uri,
    }))
}

const LEGS = `select k.uri, k.account, k.quote, k."quoteCid", k.ref, k.bytes, t.cid, p.at
  from node."tokenContent" k
  join lateral (select min(p.at) as at from node."tokenPosting" p where p.transfer = k.id) p
    on p.at is not null
  left join appview."tokenTransfer" t on t.uri = k.uri and t.id = k.id
  where k.quote = any($1) and k.quote <> '' and k."isCounted" order by p.at, k.id`
