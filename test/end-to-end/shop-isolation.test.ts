import { afterAll, beforeAll, expect, test } from 'vitest'
import { allMethods } from '../leaks/methods.ts'
import { type Person, anybodyGet } from '../person.ts'
import { COMMERCE, type Product, type Shop, keyOf, offer, openShop } from './shop.ts'
import { told } from './tenancy.ts'

const NONE = '3m6bkl2222222'
/** Who is let through by each method about what a shop offers. `admins` are its owner here. */
const OPEN_TO: Readonly<Record<string, 'managers' | 'admins'>> = {
  adjustStock: 'managers',
  archiveProduct: 'managers',
  deleteProduct: 'managers',
  getCommission: 'admins',
  getProductFigures: 'managers',
  issueCreditNote: 'managers',
  issueInvoice: 'managers',
  listStockLevels: 'managers',
  putDiscount: 'managers',
  putProduct: 'managers',
  putProductSupply: 'managers',
  putProductTerms: 'admins',
  putStoreSettings: 'admins',
  uploadProductFile: 'managers',
}

let world: Shop
let product: Product
beforeAll(async () => {
  world = await openShop()
  const tracked = { inventory: { trackQuantity: true } }
  product = await world.put(world.people.manager, offer('Amp', tracked))
})
afterAll(async () => world?.[Symbol.asyncDispose]())

/** A question that gets as far as the check of who asks. */
function bodyFor(name: string): Record<string, unknown> {
  const rkey = keyOf(product)
  const more: Record<string, Record<string, unknown>> = {
    adjustStock: { product: product.uri, delta: 1 },
    archiveProduct: { rkey: NONE },
    deleteProduct: { rkey: NONE },
    getCommission: { uri: product.uri },
    getProductFigures: { uri: product.uri },
    issueCreditNote: { invoice: `at://${world.shop}/${COMMERCE}.invoice/${NONE}`, amount: 1 },
    issueInvoice: { order: `at://${world.shop}/${COMMERCE}.order/${NONE}` },
    putDiscount: { code: 'X', discount: { kind: 'percent', rateBp: 1 } },
    putProduct: { product: offer('Other') },
    putProductSupply: { rkey, supply: {} },
    putProductTerms: { rkey, terms: {} },
    putStoreSettings: { settings: { currency: 'EUR' } },
  }
  return { tenant: world.shop, ...more[name] }
}

async function ask(who: Person | undefined, name: string): Promise<string> {
  const nsid = `${COMMERCE}.${name}`
  const { kind } = allMethods().find((method) => method.nsid === nsid)!
  const body = bodyFor(name)
  if (kind === 'query')
    return told(who ? who.get(nsid, body) : anybodyGet(world.home.url, nsid, body))
  const isFile = name === 'uploadProductFile'
  const sent = await fetch(
    `${world.home.url}/xrpc/${nsid}${isFile ? `?tenant=${world.shop}` : ''}`,
    {
      method: 'POST',
      headers: {
        'content-type': isFile ? 'text/plain' : 'application/json',
        ...(who && { authorization: `Bearer ${who.token}` }),
      },
      body: isFile ? 'text' : JSON.stringify(body),
    },
  )
  return ((await sent.json()) as { error?: string }).error ?? 'done'
}

/** What is named there is not, past the check. */
const NAMES_NOTHING = ['archiveProduct', 'deleteProduct', 'issueCreditNote', 'issueInvoice']

test('each method about a shop is for its people, as far as their role goes, and nobody else', async () => {
  const { owner, manager, member, rival, stranger } = world.people
  const wrong: string[] = []
  for (const [name, audience] of Object.entries(OPEN_TO)) {
    const done = NAMES_NOTHING.includes(name) ? 'NotFound' : 'done'
    const expected = [
      ['owner', owner, done],
      ['manager', manager, audience === 'managers' ? done : 'Forbidden'],
      ['member', member, 'Forbidden'],
      ['rival', rival, 'NotFound'],
      ['stranger', stranger, 'NotFound'],
      ['anybody', undefined, 'AuthenticationRequired'],
    ] as const
    for (const [who, person, answer] of expected) {
      const given = await ask(person, name)
      if (given !== answer) wrong.push(`${who} ${name}: ${given}, not ${answer}`)
    }
  }
  expect(wrong).toEqual([])
})

test('nothing changes while a business is suspended, and what it offers can still be read', async () => {
  const { root, manager, stranger } = world.people
  const setTenantStatus = 'co.kendev.platform.setTenantStatus'
  await root.call(setTenantStatus, { tenant: world.shop, status: 'suspended', reason: 'test' })
  const wrong: string[] = []
  for (const [name, audience] of Object.entries(OPEN_TO)) {
    const { kind } = allMethods().find(({ nsid }) => nsid === `${COMMERCE}.${name}`)!
    if (kind === 'query' || audience !== 'managers') continue
    const given = await ask(manager, name)
    if (given !== 'TenantSuspended') wrong.push(`${name}: ${given}`)
  }
  expect(wrong).toEqual([])
  expect(await told(stranger.get(`${COMMERCE}.getProduct`, { uri: product.uri }))).toBe('done')
})
