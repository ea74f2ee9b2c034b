import { InvalidRequestError } from '@atproto/xrpc-server'
import { type LexValue, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import type { Deciding, TenantWrite } from '../business/transact.ts'
import { ledgerEntry } from '../collections/commerce/ledger-entry.ts'
import { payout } from '../collections/commerce/payout.ts'
import { moveOf } from '../machine.ts'
import { REVENUE_SPLIT } from '../money/revenue-split.ts'
import { notFound } from '../not-found.ts'
import { recordUri, uriIn } from '../reference.ts'
import { type Share, statementOf } from './statement.ts'

/** What a party is to be paid. */
export type PayoutWish = Share & {
  readonly amount?: number | undefined
  readonly periodStart?: string | undefined
  readonly periodEnd?: string | undefined
}

/** Decides about a payout: what is owed to the party leaves its account at once, so that it is paid
 *  once. Throws `NothingOwed` and `TooMuch`. */
export async function decidePayout(
  d: Deciding,
  wish: PayoutWish,
): Promise<{ rkey: string; writes: TenantWrite[] }> {
  const { account, party, currency, periodStart, periodEnd } = wish
  const owed = (await statementOf(d.tx, wish)).closing - (await unseen(d, wish))
  if (owed <= 0)
    throw new InvalidRequestError(`Nothing is owed to ${account} in ${currency}.`, 'NothingOwed')
  const amount = wish.amount ?? owed
  if (amount > owed)
    throw new InvalidRequestError(`At most ${owed} ${currency} are owed.`, 'TooMuch')
  const rkey = d.nextTid()
  const record = {
    account,
    ...(party !== undefined && { party }),
    amount,
    currency,
    ...(periodStart !== undefined && { periodStart }),
    ...(periodEnd !== undefined && { periodEnd }),
    status: 'pending',
    createdAt: d.now.toISOString(),
  }
  const share = { account, ...(party !== undefined && { party }) }
  const postings = [
    { ...share, amount },
    { account: 'payouts', party: party ?? account, amount: -amount },
  ]
  const write = { place: placeOf(d.tenant), collection: payout.nsid, rkey, record }
  return { rkey, writes: [write, entry(d, { rkey, currency, postings })] }
}

/** Ends a payout: the money has gone, or is owed again. Ended so already, nothing happens. Throws
 *  `NotFound` and `InvalidTransition`. */
export async function decideSettlement(
  d: Deciding,
  { rkey, to, reference }: { rkey: string; to: string; reference?: string | undefined },
): Promise<TenantWrite[]> {
  const at = { place: placeOf(d.tenant), collection: payout.nsid, rkey }
  const before = (await d.read(at))?.record as Payout | undefined
  if (!before) throw notFound(`payout ${rkey}`)
  if (!moveOf(payout.machine!, before, { to })) return []
  const { account, party, amount, currency } = before
  const now = d.now.toISOString()
  const record = {
    ...before,
    status: to,
    ...(reference !== undefined && { reference }),
    ...(to === 'paid' && { paidAt: now }),
  }
  const share = { account, ...(party !== undefined && { party }) }
  const from = to === 'paid' ? { account: 'customerClearing' } : share
  const postings = [
    { account: 'payouts', party: party ?? account, amount },
    { ...from, amount: -amount },
  ]
  return [{ ...at, record }, entry(d, { rkey, currency, postings })]
}

type Payout = Record<string, unknown> & {
  account: string
  party?: string
  amount: number
  currency: string
}
type Posting = { account: string; party?: string; amount: number }

function placeOf(tenant: string): string {
  return audienceUri(tenant, 'managers', TENANT_SPACE)
}

function entry(
  d: Deciding,
  { rkey, currency, postings }: { rkey: string; currency: string; postings: Posting[] },
): TenantWrite {
  const place = placeOf(d.tenant)
  const record = {
    kind: 'payout',
    payout: uriIn(place, recordUri(d.tenant, payout.nsid, rkey)),
    currency,
    baseKind: 'net_of_tax',
    ruleVersion: REVENUE_SPLIT.version,
    postings,
    createdAt: d.now.toISOString(),
  }
  return { place, collection: ledgerEntry.nsid, rkey: d.nextTid(), record }
}

/** What entries say that are stored and not in the views yet: a payout just before this one. */
async function unseen(d: Deciding, { account, party, currency }: Share): Promise<number> {
  d.requireStored(placeOf(d.tenant))
  const { rows } = await d.tx.query<{ bytes: Uint8Array }>(UNSEEN, [
    placeOf(d.tenant),
    d.tenant,
    ledgerEntry.nsid,
  ])
  const entries = rows.map(
    ({ bytes }) =>
      lexToJson(decode(bytes) as LexValue) as unknown as { currency: string; postings: Posting[] },
  )
  return entries
    .filter((one) => one.currency === currency)
    .flatMap(({ postings }) => postings)
    .filter((one) => one.account === account && (party === undefined || one.party === party))
    .reduce((all, { amount }) => all + amount, 0)
}

const UNSEEN = `select r.bytes from repo.record r
  where r.space = $1 and r.did = $2 and r.collection = $3 and not exists (
    select 1 from appview."ledgerEntry" e where e.did = r.did and e.rkey = r.rkey
      and e.place = r.space)`
