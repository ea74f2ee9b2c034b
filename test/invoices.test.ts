import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SignedLinks } from '../src/appview/business/signed-links.ts'
import { customerOf } from '../src/appview/business/customers.ts'
import { tenantMembership } from '../src/appview/collections/platform/tenant-membership.ts'
import { INVOICE_SENT, type SentInvoice } from '../src/appview/invoices/issue.ts'
import { type TellingInvoices, tellInvoice } from '../src/appview/invoices/tell-invoice.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { NOTIFY } from '../src/appview/notify.ts'
import { TENANT_SPACE, audienceUri } from '../src/permissioned/audience.ts'
import { type BusinessNode, businessNode, caller, foundTenant } from './business-node.ts'
import { nativeDatabase } from './database/native.ts'
import { eventually } from './eventually.ts'

const COMMERCE = 'co.kendev.commerce'
const [SHOP, OTHER] = ['did:plc:shop', 'did:plc:other']
const [ADA, BEN, CLEO, RIVAL] = ['did:plc:ada', 'did:plc:ben', 'did:plc:cleo', 'did:plc:rival']
type Invoice = {
  uri: string
  number: string
  status: string
  balance: number
  totalAmount: number
  paidAmount: number
}
type Items<T> = { items: T[] }

let node: BusinessNode
let now = new Date('2026-12-31T22:30:00Z')
const letters: { to: string; subject: string; text: string }[] = []
const notices: Record<string, unknown>[] = []
let keys = 0
const newKey = () => `3m6bkl222222${'abcdefghijklmnopqrstuvwxyz234567'[(keys += 1)]!}`

let database: Awaited<ReturnType<typeof nativeDatabase>> | undefined

beforeAll(async () => {
  database = await nativeDatabase()
  node = await businessNode({
    pool: database.pool as unknown as SqlPool,
    database: database.pool,
    clock: { now: () => now },
    begin: async (deps) => {
      const sendMail = async (letter: (typeof letters)[number]) => void letters.push(letter)
      const telling = { ...deps, sendMail } as unknown as TellingInvoices
      await deps.outbox.work(INVOICE_SENT, (data) => tellInvoice(telling, data as SentInvoice))
      await deps.outbox.work(NOTIFY, async (data) => void notices.push(data))
    },
  })
  await foundTenant(node, { tenant: SHOP, staff: { [ADA]: 'tenant_admin' } })
  await foundTenant(node, { tenant: OTHER, staff: { [RIVAL]: 'tenant_admin' } })
  const role = { subject: ADA, role: 'tenant_admin', permissions: [], status: 'active' }
  const members = audienceUri(SHOP, 'members', TENANT_SPACE)
  await node.transact({ tenant: SHOP }, async () => {
    const record = { ...role, joinedAt: now.toISOString() }
    const one = { place: members, collection: tenantMembership.nsid, rkey: ADA, record }
    return { answer: null, writes: [one], by }
  })
  const settings = { currency: 'EUR', timeZone: 'Europe/Berlin', updatedAt: now.toISOString() }
  await write(audienceUri(SHOP, 'staff', TENANT_SPACE), 'storeSettings', 'self', settings)
})
afterAll(async () => {
  await node?.[Symbol.asyncDispose]()
  await database?.close()
})

const by = { actor: ADA, role: 'tenant_admin', action: 'test' }
const write = (place: string, name: string, rkey: string, record: object) =>
  node.transact({ tenant: SHOP }, async () => {
    const one = { place, collection: `${COMMERCE}.${name}`, rkey, record: { ...record } }
    return { answer: null, writes: [one], by }
  })
const uriOf = (name: string, rkey: string) => `at://${SHOP}/${COMMERCE}.${name}/${rkey}`

/** An order of two speakers for 119.00 each, with tax. */
async function ordered(who: { did: string } | { email: string }, more: object = {}) {
  const rkey = newKey()
  const line = { unitPrice: 10_000, totalPrice: 20_000, discount: 0, taxBp: 1_900, tax: 3_800 }
  const product = uriOf('product', rkey)
  const record = {
    orderNumber: `ORD-2026-${rkey}`,
    status: 'processing',
    lineItems: [
      {
        ...line,
        id: 'a',
        product,
        quantity: 2,
        fulfilment: 'physical',
        productSnapshot: { title: 'Speaker' },
      },
    ],
    currency: 'EUR',
    subtotal: 20_000,
    discountAmount: 0,
    taxAmount: 3_800,
    shippingAmount: 500,
    totalAmount: 24_300,
    paymentStatus: 'pending',
    fulfilmentStatus: 'pending',
    placedAt: now.toISOString(),
    ...('did' in who ? { customer: who.did } : { contact: { email: who.email, name: 'Guest' } }),
    ...more,
  }
  const place = await node.transact({ tenant: SHOP }, async (d) => {
    const { place: at, writes } = await customerOf(d, who)
    const one = { place: at, collection: `${COMMERCE}.order`, rkey, record }
    return { answer: at, writes: [...writes, one], by }
  })
  return { uri: uriOf('order', rkey), place, rkey }
}
let parts = 0
const pays = (order: { uri: string; place: string; rkey: string }, amount: number) =>
  write(order.place, 'payment', `${order.rkey}.${(parts += 1)}`, {
    order: order.uri,
    amount,
    currency: 'EUR',
    method: 'credit_card',
    status: 'captured',
    capturedAt: now.toISOString(),
    createdAt: now.toISOString(),
  })
async function refunds(
  order: { uri: string; place: string; rkey: string },
  more: object,
): Promise<string> {
  const rkey = `${order.rkey}.${(parts += 1)}`
  await write(order.place, 'refund', rkey, {
    order: order.uri,
    payment: uriOf('payment', rkey),
    currency: 'EUR',
    taxAmount: 0,
    shippingAmount: 0,
    lines: [],
    reason: 'requested',
    status: 'succeeded',
    requestedAt: now.toISOString(),
    ...more,
  })
  return uriOf('refund', rkey)
}

const as = (who: string | undefined) => caller(node.url, who)
const issue = (order: { uri: string }, more: object = {}) =>
  as(ADA).call<Invoice>(`${COMMERCE}.issueInvoice`, { tenant: SHOP, order: order.uri, ...more })
const credit = (invoice: Invoice, more: object) =>
  as(ADA).call<Invoice>(`${COMMERCE}.issueCreditNote`, {
    tenant: SHOP,
    invoice: invoice.uri,
    ...more,
  })
const read = (who: string | undefined, invoice: Invoice, more: Record<string, string> = {}) =>
  as(who).get<Invoice>(`${COMMERCE}.getInvoice`, { uri: invoice.uri, ...more })
const known = ({ uri }: { uri: string }) => uriOf('invoice', uri.split('/').at(-1)!)
const name = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { error?: string }) => error.error ?? 'unnamed',
  )
const file = (who: string | undefined, invoice: Invoice, link?: string) => {
  const query = new URLSearchParams({ uri: invoice.uri, ...(link && { link }) })
  const headers: Record<string, string> = who === undefined ? {} : { 'x-did': who }
  return fetch(`${node.url}/xrpc/${COMMERCE}.getInvoiceFile?${String(query)}`, { headers })
}

test('invoices are numbered without gaps, however many are issued at once, and by year', async () => {
  const orders = await Promise.all(Array.from({ length: 12 }, () => ordered({ did: BEN })))
  const refused = await ordered({ did: BEN }, { status: 'pending' })
  const [invoices] = await Promise.all([
    Promise.all(orders.flatMap((order) => [issue(order), issue(order)])),
    expect(name(issue(refused))).resolves.toBe('NotInvoiced'),
  ])
  const numbers = [...new Set(invoices.map(({ number }) => number))].toSorted()
  const expected = Array.from(
    { length: 12 },
    (_, n) => `INV-2026-${String(n + 1).padStart(6, '0')}`,
  )
  expect(numbers).toEqual(expected)
  // In Berlin the year is over.
  now = new Date('2026-12-31T23:00:00Z')
  expect((await issue(await ordered({ did: BEN }))).number).toBe('INV-2027-000001')
})

test('an invoice is read by its customer and the staff, and by nobody else', async () => {
  const invoice = await issue(await ordered({ did: BEN }))
  expect(await name(read(BEN, invoice))).toBe('done')
  expect(await name(read(ADA, invoice))).toBe('done')
  for (const who of [CLEO, RIVAL, undefined]) {
    expect(await name(read(who, invoice))).toBe('NotFound')
    expect((await file(who, invoice)).status).toBe(400)
    const list = as(who).get<Items<Invoice>>(`${COMMERCE}.listInvoices`, { tenant: SHOP })
    expect((await list).items).toEqual([])
  }
  const order = await ordered({ did: BEN })
  const wish = { order: order.uri }
  for (const [who, tenant, answer] of [
    [BEN, SHOP, 'NotFound'],
    [RIVAL, SHOP, 'NotFound'],
    [RIVAL, OTHER, 'NotFound'],
    [undefined, SHOP, 'AuthenticationRequired'],
  ] as const)
    expect(await name(as(who).call(`${COMMERCE}.issueInvoice`, { ...wish, tenant }))).toBe(answer)
  const pdf = await file(BEN, invoice)
  expect(pdf.headers.get('content-type')).toBe('application/pdf')
  expect(pdf.headers.get('content-disposition')).toBe(`inline; filename="${invoice.number}.pdf"`)
  expect((await pdf.text()).startsWith('%PDF-')).toBe(true)
})

test('what is left to pay follows from payments, and what went back is credited once', async () => {
  const order = await ordered({ did: BEN })
  const invoice = await issue(order)
  expect(invoice).toMatchObject({ status: 'sent', balance: 24_300, totalAmount: 24_300 })
  await pays(order, 10_000)
  expect(await read(BEN, invoice)).toMatchObject({ status: 'partial', balance: 14_300 })
  await pays(order, 14_300)
  expect(await read(BEN, invoice)).toMatchObject({ status: 'paid', balance: 0 })
  const lines = [
    { line: 'a', quantity: 1, unshipped: 1, restock: true, amount: 11_900, tax: 1_900 },
  ]
  const pending = await refunds(order, { amount: 11_900, lines, status: 'pending' })
  expect(await name(credit(invoice, { refund: pending }))).toBe('InvalidRequest')
  const refund = await refunds(order, { amount: 12_400, lines, shippingAmount: 500 })
  const [note, again] = await Promise.all([
    credit(invoice, { refund }),
    credit(invoice, { refund }),
  ])
  expect(note.uri).toBe(again.uri)
  expect(note).toMatchObject({
    number: 'CN-2027-000001',
    totalAmount: 12_400,
    taxes: [
      { taxBp: 1_900, base: 10_000, tax: 1_900 },
      { taxBp: 0, base: 500, tax: 0 },
    ],
  })
  expect(await read(BEN, invoice)).toMatchObject({ status: 'paid', balance: 0, paidAmount: 11_900 })
  expect(await name(credit(invoice, { amount: 11_901 }))).toBe('CreditTooLarge')
  await credit(invoice, { amount: 11_900, reason: 'as agreed' })
  expect(await read(BEN, invoice)).toMatchObject({ status: 'credited', balance: -11_900 })
  expect(await name(credit(note, { amount: 1 }))).toBe('InvalidRequest')
  expect(await name(credit(invoice, { amount: 1, refund }))).toBe('InvalidRequest')
  expect(await name(credit(invoice, { refund: uriOf('refund', '3m6bkl2222222') }))).toBe('NotFound')
})

test('of two credits at once that together are too much, one is made', async () => {
  const invoice = await issue(await ordered({ did: BEN }))
  const both = await Promise.all([
    name(credit(invoice, { amount: 20_000 })),
    name(credit(invoice, { amount: 20_000 })),
  ])
  expect(both.toSorted()).toEqual(['CreditTooLarge', 'done'])
})

test('an invoice is overdue when its last day is over', async () => {
  const invoice = await issue(await ordered({ did: BEN }))
  now = new Date(now.getTime() + 16 * 86_400_000)
  expect(await read(BEN, invoice)).toMatchObject({ status: 'overdue', balance: 24_300 })
})

test('a customer is told in their list, a guest by a letter with a link that opens the file', async () => {
  const invoice = await issue(await ordered({ did: BEN }))
  await eventually(async () =>
    expect(notices).toContainEqual(
      expect.objectContaining({ recipient: BEN, kind: 'invoiceSent', key: known(invoice) }),
    ),
  )
  const order = await ordered({ email: 'guest@example.com' })
  const forGuest = await issue(order)
  await eventually(async () => expect(letters.map(({ to }) => to)).toEqual(['guest@example.com']))
  const { text, subject } = letters[0]!
  expect(subject).toBe(`Your invoice ${forGuest.number} from Garage`)
  const link = new URL(text.split('\n')[1]!).searchParams.get('link')!
  expect((await file(undefined, forGuest, link)).status).toBe(200)
  // It opens this invoice only, and not for ever.
  expect((await file(undefined, invoice, link)).status).toBe(400)
  expect((await file(undefined, forGuest, `${link}x`)).status).toBe(400)
  expect(await name(read(undefined, forGuest, { link }))).toBe('done')
  // So does the link that the guest has to the order, and a link for something else does not.
  const until = new Date(now.getTime() + 60_000)
  const links = node.deps['links'] as SignedLinks
  const sign = (purpose: string) => ({ link: links.sign({ purpose, subject: order.uri, until }) })
  expect(await name(read(undefined, forGuest, sign('order')))).toBe('done')
  expect(await name(read(undefined, invoice, sign('order')))).toBe('NotFound')
  expect(await name(read(undefined, forGuest, sign('download')))).toBe('NotFound')
  now = new Date(now.getTime() + 401 * 86_400_000)
  expect(await name(read(undefined, forGuest, { link }))).toBe('NotFound')
})
