import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Person } from '../person.ts'
import { COMMERCE, type Product, type Shop, keyOf, offer, openShop } from './shop.ts'
import { told } from './tenancy.ts'

type Order = { uri: string; status: string; lineItems: { id: string }[] }
type Download = { name: string; url: string; left: number; size: number; line: string }
const GOODS = 'the words that are sold'

let world: Shop
let shop: string
let book: Product
beforeAll(async () => {
  world = await openShop()
  shop = world.shop
  const { owner, manager } = world.people
  const settings = { currency: 'EUR' }
  await owner.call(`${COMMERCE}.putStoreSettings`, { tenant: shop, settings })
  const pricing = { basePrice: 900, currency: 'EUR' }
  book = await world.put(manager, offer('Manual', { productType: 'digital_download', pricing }))
  const blob = await upload(manager, GOODS)
  const file = { file: blob, name: 'Manual ä.txt', description: 'In German.' }
  const cover = { file: await upload(manager, 'the cover'), name: 'Cover' }
  await supply(manager, { digitalAssets: [file, cover], downloadLimit: 2 })
})
afterAll(async () => world?.[Symbol.asyncDispose]())

async function upload(who: Person, text: string): Promise<unknown> {
  const sent = await fetch(`${world.home.url}/xrpc/${COMMERCE}.uploadProductFile?tenant=${shop}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who.token}`, 'content-type': 'text/plain' },
    body: text,
  })
  const answer = (await sent.json()) as { blob?: unknown; error?: string }
  return answer.blob ?? answer.error
}
const supply = (who: Person, content: object) =>
  who.call(`${COMMERCE}.putProductSupply`, { tenant: shop, rkey: keyOf(book), supply: content })
async function buys(who: Person, more: object = {}): Promise<Order> {
  const lines = [{ product: book.uri, quantity: 1 }]
  const wish = { tenant: shop, lines, ...more }
  const { order } = await who.call<{ order: Order }>(`${COMMERCE}.checkout`, wish)
  return order
}
const pays = (who: Person, { uri }: Order) =>
  who.call(`${COMMERCE}.payOrder`, { order: uri, method: 'credit_card' })
const downloads = async (who: Person, { uri }: Order) =>
  (await who.get<{ items: Download[] }>(`${COMMERCE}.getDownloads`, { order: uri })).items
const open = async (who: Person, order: Order) => {
  const found = await eventually(async () => {
    const items = await downloads(who, order)
    if (items.length === 0) throw new Error('not yet')
    return items
  })
  return found[0]!
}

test('what was bought is fetched by its link as often as it may be, once it is paid', async () => {
  const { stranger: ben, member } = world.people
  const order = await buys(ben)
  expect(await downloads(ben, order)).toEqual([])
  await pays(ben, order)
  const { url, ...rest } = await open(ben, order)
  expect(rest).toMatchObject({ name: 'Manual ä.txt', left: 2, size: GOODS.length })
  const first = await fetch(url)
  expect(first.status).toBe(200)
  expect(await first.text()).toBe(GOODS)
  expect(first.headers.get('content-disposition')).toBe(
    "attachment; filename*=UTF-8''Manual%20%C3%A4.txt",
  )
  // Of five at once for the last time one has it.
  const all = await Promise.all(Array.from({ length: 5 }, () => fetch(url)))
  expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(all.filter(({ status }) => status === 410)).toHaveLength(4)
  expect((await downloads(ben, order))[0]).toMatchObject({ left: 0 })
  expect(await told(downloads(member, order))).toBe('NotFound')
  expect((await fetch(url, { method: 'POST' })).status).toBe(405)
})

test('a link is for one file of one order, and leads nowhere when it was changed', async () => {
  const { stranger: ben } = world.people
  const order = await buys(ben)
  await pays(ben, order)
  const { url } = await open(ben, order)
  const token = url.split('/').at(-1)!
  const [body, signature] = token.split('.') as [string, string]
  const [purpose, subject, until] = JSON.parse(
    Buffer.from(body, 'base64url').toString(),
  ) as string[]
  expect(purpose).toBe('download')
  const changed = Buffer.from(JSON.stringify([purpose, subject, Number(until) + 1]))
  const origin = url.slice(0, -token.length)
  for (const other of ['', 'x', `${token}x`, `${changed.toString('base64url')}.${signature}`])
    expect((await fetch(`${origin}${other}`)).status, other).toBe(404)
  expect(await (await fetch(url)).text()).toBe(GOODS)
  const [, cover] = await downloads(ben, order)
  expect(await (await fetch(cover!.url)).text()).toBe('the cover')
})

test('what was given back, or is no longer of the product, is not fetched any more', async () => {
  const { stranger: ben, manager, owner } = world.people
  const order = await buys(ben)
  await pays(ben, order)
  const { url, line } = await open(ben, order)
  await owner.call(`${COMMERCE}.refundOrder`, {
    order: order.uri,
    lines: [{ line, quantity: 1 }],
    idempotencyKey: order.uri.slice(-13),
  })
  await eventually(async () => expect(await downloads(ben, order)).toEqual([]))
  expect((await fetch(url)).status).toBe(404)
  const second = await buys(ben)
  await pays(ben, second)
  const kept = await open(ben, second)
  await supply(manager, { notes: 'nothing to fetch' })
  expect((await fetch(kept.url)).status).toBe(404)
})

test('the files are the staff’s, and not to be had by asking the host for them', async () => {
  const { manager, member, rival } = world.people
  const blob = (await upload(manager, 'secret goods')) as { ref: { $link: string } }
  await supply(manager, { digitalAssets: [{ file: blob, name: 'x' }] })
  expect(await upload(member, 'x')).toBe('Forbidden')
  expect(await upload(rival, 'x')).toBe('NotFound')
  const asked = new URLSearchParams({ did: shop, cid: blob.ref.$link })
  const open = await fetch(`${world.home.url}/xrpc/com.atproto.sync.getBlob?${String(asked)}`)
  expect(open.status).not.toBe(200)
  await open.body?.cancel()
  const image = await fetch(`${world.home.url}/xrpc/co.kendev.content.getImage?${String(asked)}`)
  expect(image.status).not.toBe(200)
})
