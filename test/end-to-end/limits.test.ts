import { afterAll, beforeAll, expect, test } from 'vitest'
import { planOf } from '../../src/appview/plans.ts'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import { type Items, PLATFORM, type Provision, asOperator, someone, told } from './tenancy.ts'

type Usage = Provision & {
  usage: { spaces: number; products: number; storageMb: number; apiCallsThisMonth: number }
}

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let root: Person
let owner: Person
let shop: string
let id: string

const SPACES = 'co.kendev.spaces'
const starter = planOf('starter')!.limits
const limit = (more: object) =>
  root.call(`${PLATFORM}.setTenantPlan`, {
    tenant: shop,
    plan: 'custom',
    limits: { ...starter, ...more },
  })
const usage = async () => (await owner.get<Usage>(`${PLATFORM}.getTenantProvision`, { id })).usage
const found = (slug: string, by = owner) =>
  by.call<{ did: string; handle: string }>(`${SPACES}.createSpace`, {
    name: slug,
    slug,
    tenant: shop,
  })
const sell = (space: string, rkey?: string, productType = 'physical') =>
  owner.call(`${SPACES}.putRecord`, {
    space,
    collection: 'co.kendev.commerce.product',
    ...(rkey && { rkey }),
    record: {
      title: 'Comb',
      productType,
      pricing: { basePrice: 900, currency: 'EUR' },
      status: 'active',
      createdAt: '2026-11-23T10:00:00Z',
    },
  })
async function upload(space: string, bytes: number): Promise<string> {
  const sent = await fetch(`${home.url}/xrpc/${SPACES}.uploadBlob?space=${space}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'text/plain' },
    body: new Uint8Array(bytes).fill(7),
  })
  return ((await sent.json()) as { error?: string }).error ?? 'done'
}

beforeAll(async () => {
  network = await startNetwork(1)
  home = network.nodes[0]!
  ;[root, owner] = await Promise.all([someone(home, 'root'), someone(home, 'owner')])
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const made = await root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'Corner Shop',
    subdomain: 'corner-shop',
    owner: owner.did,
    template: 'basic-business',
    plan: 'starter',
    billingCycle: 'quarterly',
    price: { amount: 9_000, currency: 'eur' },
  })
  ;({ did: shop, id } = made)
})
afterAll(async () => network?.[Symbol.asyncDispose]())

test('what a tenant pays is said for a month', async () => {
  const { billing } = await owner.get<{ billing: object }>(`${PLATFORM}.getTenantProvision`, { id })
  const price = { amount: 9_000, currency: 'EUR' }
  expect(billing).toMatchObject({ cycle: 'quarterly', price, monthlyRevenue: 3_000 })
})

test('of many spaces founded at once for a tenant the plan’s number comes to be', async () => {
  const stranger = await someone(home, 'stranger')
  expect(await told(found('not-mine', stranger))).toBe('NotFound')
  const slugs = Array.from({ length: 8 }, (_, n) => `branch-${n}`)
  const answers = await Promise.all(slugs.map((slug) => told(found(slug))))
  expect(answers.filter((answer) => answer === 'done')).toHaveLength(starter.spaces - 1)
  expect(new Set(answers)).toEqual(new Set(['done', 'LimitExceeded']))
  expect(await usage()).toMatchObject({ spaces: starter.spaces })
  const { items } = await owner.get<Items<{ did: string; handle: string; visibility: string }>>(
    `${SPACES}.listSpaces`,
    { filter: 'mine' },
  )
  const open = items.filter(({ visibility }) => visibility === 'public')
  expect(open[0]!.handle).toMatch(/^branch-\d\.corner-shop\.node1\.test$/)
})

const branch = async () => {
  const { items } = await owner.get<Items<{ did: string; visibility: string }>>(
    `${SPACES}.listSpaces`,
    { filter: 'mine' },
  )
  return items.find(({ visibility }) => visibility === 'public')!.did
}

test('a space stays with the tenant it was founded for, and nobody’s space is claimed for one', async () => {
  const own = await owner.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Knitting' })
  const claim = (space: string, more: object) =>
    told(
      owner.call(`${SPACES}.putRecord`, {
        space,
        collection: `${SPACES}.space`,
        rkey: 'self',
        record: { name: 'Renamed', createdAt: '2026-11-23T10:00:00Z', ...more },
      }),
    )
  expect(await claim(own.did, { tenant: shop })).toBe('NotSupported')
  expect(await claim(own.did, {})).toBe('done')
  const ours = await branch()
  expect(await claim(ours, {})).toBe('NotSupported')
  expect(await claim(ours, { tenant: shop })).toBe('done')
  expect(await usage()).toMatchObject({ spaces: starter.spaces })
})

test('products are as many as the plan allows, also when many are written at once', async () => {
  const space = await branch()
  await limit({ products: 3 })
  const answers = await Promise.all(Array.from({ length: 6 }, () => told(sell(space))))
  expect(answers.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'done',
    'done',
    'done',
    'LimitExceeded',
    'LimitExceeded',
    'LimitExceeded',
  ])
  const { items } = await owner.get<Items<{ uri: string }>>('co.kendev.commerce.listProducts', {
    space,
  })
  expect(items).toHaveLength(3)
  expect(await told(sell(space, items[0]!.uri.split('/').at(-1)))).toBe('done')
  expect(await usage()).toMatchObject({ products: 3 })
})

test('files fill the storage of the plan and no more, however many are sent at once', async () => {
  const space = await branch()
  await limit({ storageMb: 1 })
  const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => upload(space, 300_000 + n)))
  expect(answers.filter((answer) => answer === 'done')).toHaveLength(3)
  expect(new Set(answers)).toEqual(new Set(['done', 'LimitExceeded']))
  expect(await usage()).toMatchObject({ storageMb: 1 })
  await eventually(async () => {
    const { items } = await owner.get<Items<{ kind: string; title: string }>>(
      `${PLATFORM}.listNotifications`,
    )
    expect(items.filter(({ kind }) => kind === 'limitWarning').length).toBeGreaterThanOrEqual(2)
  })
})

test('when the calls of a month are used up writing stops, and reading, leaving and the plan go on', async () => {
  const space = await branch()
  await eventually(async () => {
    expect((await usage()).apiCallsThisMonth).toBeGreaterThan(10)
  })
  await limit({ apiCallsPerMonth: 10 })
  const write = () => told(owner.call(`${PLATFORM}.updateTenant`, { tenant: shop, name: 'Other' }))
  await eventually(async () => expect(await write()).toBe('LimitExceeded'))
  expect(await told(sell(space))).toBe('LimitExceeded')
  expect(await told(owner.get(`${PLATFORM}.listTenantMemberships`, { tenant: shop }))).toBe('done')
  expect(await told(owner.get(`${SPACES}.listChannels`, { space }))).toBe('done')
  await limit({})
  await eventually(async () => expect(await write()).toBe('done'))
  const provision = await owner.get<{ usage: { activeUsers: number; lastActivity: string } }>(
    `${PLATFORM}.getTenantProvision`,
    { id },
  )
  expect(provision.usage).toMatchObject({ activeUsers: 1, lastActivity: expect.any(String) })
})

test('what a plan does not have is refused by its name, and services need no shop', async () => {
  const space = await branch()
  await root.call(`${PLATFORM}.setTenantPlan`, { tenant: shop, plan: 'free' })
  const [first] = (
    await owner.get<Items<{ uri: string }>>('co.kendev.commerce.listProducts', { space })
  ).items
  const rkey = first!.uri.split('/').at(-1)
  expect(await told(sell(space, rkey))).toBe('FeatureNotInPlan')
  expect(await told(sell(space, rkey, 'consultation_solo'))).toBe('done')
  const branding = { tenant: shop, branding: { primaryColor: '#1A2B3C' } }
  expect(await told(owner.call(`${PLATFORM}.updateTenant`, branding))).toBe('FeatureNotInPlan')
  await root.call(`${PLATFORM}.setTenantPlan`, { tenant: shop, plan: 'business' })
  expect(await told(owner.call(`${PLATFORM}.updateTenant`, branding))).toBe('done')
  expect(await told(sell(space, rkey))).toBe('done')
})

test('what a suspended tenant has on the node is not written to', async () => {
  const space = await branch()
  const set = (status: string) =>
    root.call(`${PLATFORM}.setTenantStatus`, { tenant: shop, status, reason: 'unpaid' })
  await set('suspended')
  expect(await told(sell(space))).toBe('TenantSuspended')
  expect(await upload(space, 10)).toBe('TenantSuspended')
  expect(await told(found('one-more'))).toBe('TenantSuspended')
  await set('active')
})
