import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { amountOut } from '../../../tokens/worth/exchange.ts'
import { networkFee } from '../../../tokens/worth/network-fee.ts'
import { type Acting, act } from '../../act.ts'
import { exchangeOffer } from '../../collections/tokens/exchange-offer.ts'
import { exchangeQuote } from '../../collections/tokens/exchange-quote.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { tableName } from '../../schema.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import type { TokenBook } from '../../tokens/keep-token-book.ts'
import { newestEpoch } from '../../tokens/newest-epoch.ts'
import type { Sql } from '../../sql.ts'

type Deps = Reading &
  Acting & {
    readonly tokens: TokenBook
    readonly isHosted: (did: string) => Promise<boolean>
    /** What a provider spends with; throws for one that this node cannot spend for. */
    readonly providerSigner: (did: string) => Promise<unknown>
  }

type Offer = co.kendev.tokens.exchangeOffer.Main
type Quote = co.kendev.tokens.exchangeQuote.Main

/** How long a quote is good for. */
const VALID_MS = 60_000
/** Quotes of one provider that are open at once, for one customer and for all. */
const OPEN_MAX = 3
const ALL_OPEN_MAX = 500

/** `tokens.quoteExchange`: writes a quote into the repo of a liquidity provider of this node, by
 *  what its offer says, and so binds it. */
export function quoteExchange(mount: Mount, deps: Deps): void {
  const { sql, origin, loads, clock, tokens, isHosted, nextTid } = deps
  procedure(mount, co.kendev.tokens.quoteExchange, async ({ input, viewer }) => {
    const { rows } = await sql.query<OfferRow>(OFFER, [knownUri(input.offer)])
    const [offer] = rows
    if (!offer || offer.did === viewer.did || !(await isHosted(offer.did))) {
      throw notFound(input.offer)
    }
    await requireSpending(deps, offer.did)
    await tokens.catchUp()
    await checkOffer(sql, offer, { amount: input.amount, customer: viewer.did, now: clock.now() })
    const fee = await feeOf(sql, offer.content.paid, input.amount)
    const quote = quoteBy(offer, { amount: input.amount, customer: viewer.did, fee }, clock.now())
    const collection = exchangeQuote.nsid
    const { uri } = await act(deps, {
      at: { did: offer.did, collection, rkey: nextTid(), place: '' },
      record: { ...quote },
      by: { actor: viewer.did, action: co.kendev.tokens.quoteExchange.$nsid },
    })
    const made = await sql.query<Row>(
      `select * from ${tableName(exchangeQuote.table)} where uri = $1`,
      [uri],
    )
    const [view] = await present(exchangeQuote, made.rows, {
      sql,
      origin,
      loads,
      viewer: viewer.did,
    })
    if (!view) throw notFound(uri)
    return view as never
  })
}

async function requireSpending({ providerSigner }: Deps, provider: string): Promise<void> {
  await providerSigner(provider).catch((cause: unknown) => {
    const message = 'The node of the provider cannot spend for it now. Look for another offer.'
    throw new InvalidRequestError(message, 'ProviderUnable', { cause })
  })
}

type OfferRow = { uri: string; cid: string; did: string; content: Offer }

async function checkOffer(
  sql: Sql,
  { did, content }: OfferRow,
  { amount, customer, now }: { amount: number; customer: string; now: Date },
): Promise<void> {
  const { validUntil, minAmount, maxAmount } = content
  if (validUntil !== undefined && Date.parse(validUntil) <= now.getTime()) {
    throw new InvalidRequestError(`The offer has ended at ${validUntil}.`, 'OfferEnded')
  }
  const { rows } = await sql.query<Standing>(STANDING, [did, content.delivered, customer, now])
  const { has, mine, all } = rows[0]!
  if (amount < minAmount || amount > maxAmount) {
    throw outOfRange(`Pay ${minAmount} to ${maxAmount} micro-tokens at once.`)
  }
  const out = amountOut(BigInt(amount), rateOf(content))
  if (out > BigInt(has)) {
    throw outOfRange(`The provider has ${has} micro-tokens to give, this would be ${out}.`)
  }
  if (mine >= OPEN_MAX || all >= ALL_OPEN_MAX) {
    throw new InvalidRequestError('Take a quote you have, or wait a minute.', 'TooManyQuotes')
  }
}

type Standing = { has: string; mine: number; all: number }

function outOfRange(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'AmountOutOfRange')
}

type Fee = { readonly fee: number; readonly feeAccount?: string }

/** What the network takes by the newest epoch of the ledger that is paid on. Validators ask for it
 *  whichever nodes the two are of, which they cannot know. */
async function feeOf(sql: Sql, ledger: string, amount: number): Promise<Fee> {
  const newest = await newestEpoch(sql, ledger)
  if (!newest) {
    throw new InvalidRequestError('The ledger that is paid on is not known here.', 'LedgerUnknown')
  }
  const { feeAccount, feeBasisPoints, feeMinimum } = newest.epoch.params
  if (feeAccount === undefined) return { fee: 0 }
  const rule = { basisPoints: feeBasisPoints, minimum: BigInt(feeMinimum) }
  const fee = Number(networkFee(BigInt(amount), true, rule))
  return fee === 0 ? { fee } : { fee, feeAccount }
}

function quoteBy(
  { uri, cid, content }: OfferRow,
  { amount, customer, fee }: { amount: number; customer: string; fee: Fee },
  now: Date,
): Quote {
  const { paid, delivered, num, den, deliverWithin, fromTenant, toTenant } = content
  const expiresAt = new Date(now.getTime() + VALID_MS)
  const deliverBy = new Date(expiresAt.getTime() + deliverWithin * 1_000)
  return {
    $type: exchangeQuote.nsid,
    offer: { uri, cid },
    customer,
    paid,
    delivered,
    num,
    den,
    amount,
    ...fee,
    minOut: Number(amountOut(BigInt(amount), rateOf(content))),
    ...(fromTenant !== undefined && { fromTenant }),
    ...(toTenant !== undefined && { toTenant }),
    expiresAt: expiresAt.toISOString(),
    deliverBy: deliverBy.toISOString(),
    createdAt: now.toISOString(),
  } as Quote
}

function rateOf({ num, den }: Offer) {
  return { num: BigInt(num), den: BigInt(den) }
}

const OFFER = `select uri, cid, did, content from ${tableName(exchangeOffer.table)}
  where uri = $1`

const STANDING = `select
    (select coalesce(sum(p.amount), 0)::text from node."tokenPosting" p
      where p.account = $1 and p.ledger = $2) as has,
    (count(*) filter (where q.customer = $3))::int as mine, count(*)::int as all
  from ${tableName(exchangeQuote.table)} q where q.did = $1 and q."expiresAt" > $4`
