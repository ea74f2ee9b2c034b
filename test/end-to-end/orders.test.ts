import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet } from '../person.ts'
import { COMMERCE, type Product, offer } from './shop.ts'
import { PLATFORM, type Provision, asOperator, someone, told } from './tenancy.ts'

type Order = { uri: string; status: string; paymentStatus: string; orderNumber: string }
type Refunded = { order: Order; refund: { status: string } }

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let shop: string
let product: string
const people = {} as Record<'owner' | 'root' | 'stranger' | 'rival', Person>
/** A customer whose account is at another node. */
let ben: Person

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  for (const name of ['owner', 'root', 'stranger', 'rival'] as const)
    people[name] = await someone(home, name)
  ben = await someone(network.nodes[1]!, 'ben')
  const { root, owner, rival } = people
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const set = async (name: string, who: Person) => {
    const wish = { name, subdomain: name, owner: who.did, template: 'custom', plan: 'starter' }
    return (await root.call<Provision>(`${PLATFORM}.provisionTenant`, wish)).did
  }
  shop = await set('car-audio', owner)
  await set('rival-audio', rival)
  const pricing = { basePrice: 10_000, currency: 'EUR' }
  const made = await owner.call<Product>(`${COMMERCE}.putProduct`, {
    tenant: shop,
    product: offer('Speaker', { pricing, inventory: { trackQuantity: true } }),
  })
  product = made.uri
  await owner.call(`${COMMERCE}.adjustStock`, {
    tenant: shop,
    product,
    delta: 3,
    reason: 'received',
  })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

const away = () => ({ proxy: home.service })
const shippingAddress = { name: 'Ben', address1: 'Road 1', city: 'Berlin', country: 'DE' }

test('a customer of another node orders, pays, sees the order there, and is paid back', async () => {
  const { owner, stranger, rival } = people
  const lines = [{ product, quantity: 2 }]
  const cart = await anybodyPost<{ totalAmount: number; lines: { available: number }[] }>(
    `${COMMERCE}.priceCart`,
    { tenant: shop, lines },
  )
  expect(cart).toMatchObject({ totalAmount: 20_000, lines: [{ available: 3 }] })
  const wish = { tenant: shop, lines, shippingAddress, idempotencyKey: 'ben-1' }
  const checkout = () => ben.call<{ order: Order }>(`${COMMERCE}.checkout`, wish, away())
  const { order } = await checkout()
  expect((await checkout()).order.uri).toBe(order.uri)
  const paid = await ben.call<{ order: Order }>(
    `${COMMERCE}.payOrder`,
    { order: order.uri, method: 'credit_card' },
    away(),
  )
  expect(paid.order).toMatchObject({ status: 'processing', paymentStatus: 'captured' })
  expect(await ben.get(`${COMMERCE}.getOrder`, { uri: order.uri }, away())).toMatchObject({
    orderNumber: order.orderNumber,
    customer: ben.did,
  })
  for (const who of [stranger, rival]) {
    expect(await told(who.get(`${COMMERCE}.getOrder`, { uri: order.uri }))).toBe('NotFound')
    const { items } = await who.get<{ items: Order[] }>(`${COMMERCE}.listOrders`, { tenant: shop })
    expect(items).toEqual([])
    const refund = { order: order.uri, amount: 1, idempotencyKey: 'x' }
    expect(await told(who.call(`${COMMERCE}.refundOrder`, refund))).toBe('NotFound')
  }
  expect(await told(anybodyGet(home.url, `${COMMERCE}.getOrder`, { uri: order.uri }))).toBe(
    'NotFound',
  )
  const refund = (key: string, amount: number) =>
    owner.call<Refunded>(`${COMMERCE}.refundOrder`, {
      order: order.uri,
      amount,
      idempotencyKey: key,
    })
  expect(await refund('one', 6_667)).toMatchObject({
    refund: { status: 'succeeded' },
    order: { paymentStatus: 'partially_refunded' },
  })
  expect((await refund('two', 13_333)).order).toMatchObject({
    status: 'refunded',
    paymentStatus: 'refunded',
  })
  const { items } = await owner.get<{ items: { postings: Posting[] }[] }>(
    `${COMMERCE}.listLedgerEntries`,
    { tenant: shop, order: order.uri },
  )
  const sums = new Map<string, number>()
  for (const { account, amount } of items.flatMap(({ postings }) => postings))
    sums.set(account, (sums.get(account) ?? 0) + amount)
  const left = Object.fromEntries([...sums].filter(([, amount]) => amount !== 0))
  expect(left).toEqual({ customerClearing: -580, providerFees: 580 })
})

type Posting = { account: string; amount: number }

async function anybodyPost<T>(nsid: string, body: object): Promise<T> {
  const response = await fetch(`${home.url}/xrpc/${nsid}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as T
}
