import { expect } from 'vitest'
import { co } from '../../src/lexicons/index.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import { type Person, anybodyGet } from '../person.ts'
import type { TokenNetwork } from './network.ts'
import { payments } from './payments.ts'

const TOKEN = 1_000_000
const OTHER_LEDGER = 'bafyreia2kiroaib7idwm6ufjyxipvtfdkvshrvucfqcynp7onrkgb7gvpa'
const SOON = { timeout: 60_000, interval: 500 }
const { exchangeOffer, quoteExchange, readExchanges } = co.kendev.tokens

type Quote = { uri: string; cid: string; amount: number; minOut: number; customer: string }
type Exchanges = { items: { state: string; deliveredAmount: number; refundDue: number }[] }

/** Somebody on the second node offers to exchange, somebody on the first takes a quote and pays,
 *  and both see on their own nodes that it was delivered. */
export async function exchangeAcrossNodes(
  network: TokenNetwork,
  { customer, provider }: { customer: Person; provider: Person },
  at: { genesis: ReadEpoch; epoch: ReadEpoch },
): Promise<void> {
  const ledger = at.genesis.id
  const offer = (name: string) => `at://${provider.did}/${exchangeOffer.$type}/${name}`
  const terms = {
    paid: ledger,
    delivered: ledger,
    num: 1,
    den: 2,
    minAmount: 1_000,
    maxAmount: 2 * TOKEN,
    deliverWithin: 600,
    toTenant: provider.did,
    createdAt: new Date().toISOString(),
  }
  await provider.put(offer('ended'), { ...terms, validUntil: terms.createdAt })
  await provider.put(offer('unknown'), { ...terms, paid: OTHER_LEDGER })
  await provider.put(offer('half'), terms)
  const { origin } = network.nodes[1]!
  const ask = async (amount: number, uri = offer('half')) => {
    const lxm = quoteExchange.$nsid
    const { did: aud } = (await anybodyGet<{ did: string }>(
      origin,
      'com.atproto.server.describeServer',
    )) as { did: string }
    const asked = { aud, lxm }
    const { token } = await customer.get<{ token: string }>(
      'com.atproto.server.getServiceAuth',
      asked,
    )
    const answer = await fetch(`${origin}/xrpc/${lxm}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ offer: uri, amount }),
    })
    return (await answer.json()) as Quote & { error?: string }
  }
  await expect.poll(() => ask(1), SOON).toMatchObject({ error: 'AmountOutOfRange' })
  expect(await ask(2 * TOKEN + 1)).toMatchObject({ error: 'AmountOutOfRange' })
  expect(await ask(TOKEN, offer('ended'))).toMatchObject({ error: 'OfferEnded' })
  expect(await ask(TOKEN, offer('none'))).toMatchObject({ error: 'NotFound' })
  expect(await ask(TOKEN, offer('unknown'))).toMatchObject({ error: 'LedgerUnknown' })
  const quote = await ask(TOKEN)
  expect(quote).toMatchObject({ customer: customer.did, amount: TOKEN, minOut: TOKEN / 2, fee: 0 })
  await ask(TOKEN)
  await ask(TOKEN)
  expect(await ask(TOKEN)).toMatchObject({ error: 'TooManyQuotes' })
  await payments(network, customer).write(provider.did, TOKEN, at, {
    kind: 'cross_tenant_exchange',
    exchange: { quote: { uri: quote.uri, cid: quote.cid }, leg: 'paid' },
  })
  const rates = (asked: Record<string, string>) =>
    anybodyGet(origin, co.kendev.tokens.readExchangeRates.$nsid, asked)
  expect(await rates({})).toEqual({ angelTokens: TOKEN, karmaPoints: TOKEN / 100 })
  await expect(rates({ currency: 'usd' })).rejects.toMatchObject({ error: 'NoRate' })
  for (const [n, { did }] of [customer, provider].entries()) {
    const told = async () => {
      const asked = { account: did }
      const view = await anybodyGet<Exchanges>(network.nodes[n]!.origin, readExchanges.$nsid, asked)
      return view.items.filter(({ state }) => state !== 'quoted')
    }
    await expect
      .poll(told, SOON)
      .toMatchObject([{ state: 'delivered', deliveredAmount: TOKEN / 2, refundDue: 0 }])
  }
}
