import ICAL from 'ical.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelUnpaid } from '../src/appview/methods/booking/cancel-unpaid.ts'
import { HOUR, START, bookingCalls } from './booking-calls.ts'
import {
  BOB,
  type BookingWorld,
  GRACE,
  HEIDI,
  OWNER,
  SHOP,
  type Shown,
  bookingWorld,
  refusal,
} from './booking-world.ts'

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld()
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const { at, noon, call, get, book, venue } = bookingCalls(() => world)

test('calendars find what is booked at an address of their own, and a file takes back what is cancelled', async () => {
  const { uri, worker } = await venue()
  const { appointment, feed } = await book(GRACE, uri)
  const read = async (url: string) => {
    const response = await fetch(url.replace('http://business.test', world.node.url))
    const text = await response.text()
    return { status: response.status, type: response.headers.get('content-type'), text }
  }
  const events = (text: string) =>
    new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent').map((event) => ({
      uid: event.getFirstPropertyValue('uid'),
      sequence: event.getFirstPropertyValue('sequence'),
      summary: String(event.getFirstPropertyValue('summary')),
      start: String(event.getFirstPropertyValue('dtstart')),
    }))
  const mine = await read(feed)
  expect([mine.status, mine.type]).toEqual([200, 'text/calendar; charset=utf-8'])
  expect(mine.text).not.toContain(worker)
  const before = events(mine.text)
  expect(before).toHaveLength(1)
  const url = async (did: string, more: object) =>
    (await call<{ url: string }>(did, 'createCalendarFeed', { tenant: SHOP, ...more })).url
  const whole = await read(await url(BOB, { venue: uri }))
  expect(events(whole.text)[0]!.summary).toContain(GRACE)
  const other = await read(await url(HEIDI, { person: HEIDI }))
  expect(events(other.text).map(({ uid }) => uid)).not.toContain(before[0]!.uid)
  expect((await refusal(url(HEIDI, { person: GRACE }))).error).toBe('Forbidden')
  expect((await refusal(url(HEIDI, { venue: uri }))).error).toBe('Forbidden')
  const forged = await read(`${feed}x`)
  expect(forged.status).toBe(403)
  await call(GRACE, 'cancelAppointment', { appointment: appointment.uri })
  const after = await read(feed)
  expect(after.text).toContain('METHOD:CANCEL')
  expect(events(after.text)).toEqual([{ ...before[0]!, sequence: 1 }])
})

test('a deposit is an order of its own, is kept or goes back as was agreed, and unpaid the start is free', async () => {
  const services = [
    {
      serviceId: 'install',
      serviceName: 'Installation',
      price: { amount: 10_001, currency: 'USD' },
      deposit: { rateBp: 2_500 },
    },
  ]
  const { uri } = await venue({ services })
  const { appointment } = await book(GRACE, uri)
  const payment = appointment['payment'] as { order: string; amount: object }
  expect(payment).toMatchObject({ required: true, amount: { amount: 2_500, currency: 'USD' } })
  const COMMERCE = 'co.kendev.commerce'
  const order = (did: string, uri: string) =>
    world.as(did).get<Record<string, unknown>>(`${COMMERCE}.getOrder`, { uri })
  expect(await order(GRACE, payment.order)).toMatchObject({
    status: 'pending',
    totalAmount: 10_001,
  })
  await world.as(GRACE).call(`${COMMERCE}.payOrder`, {
    order: payment.order,
    method: 'credit_card',
    paymentMethod: 'sandbox-card',
    amount: 2_500,
  })
  expect((await order(GRACE, payment.order))['status']).toBe('processing')
  at(START - HOUR)
  const late = await call(GRACE, 'cancelAppointment', { appointment: appointment.uri })
  expect(late['settlement']).toEqual({ fee: 2_500, refund: 0, due: 0 })

  noon()
  const unpaid = await book(HEIDI, uri, { startTime: '2026-12-01T15:00:00Z' })
  const { order: second } = unpaid.appointment['payment'] as { order: string }
  await world.as(HEIDI).call(`${COMMERCE}.cancelOrder`, { order: second })
  await cancelUnpaid({ sql: world.node.pool, transact: world.node.transact })
  await world.node.drain()
  const shown = await get<Shown>(HEIDI, 'getAppointment', { uri: unpaid.appointment.uri })
  expect(shown.status).toBe('cancelled')
  await book('did:plc:ivan', uri, { startTime: '2026-12-01T15:00:00Z' })
})

test('where prices are with tax, who does the work earns by what is left without it, as the books say', async () => {
  const COMMERCE = 'co.kendev.commerce'
  const owner = world.as(OWNER)
  const settings = {
    currency: 'USD',
    pricesIncludeTax: true,
    taxRates: [{ name: 'VAT', region: 'DE', rateBp: 1_900 }],
    updatedAt: '2026-11-27T10:00:00Z',
  }
  await owner.call(`${COMMERCE}.putStoreSettings`, { tenant: SHOP, settings })
  const price = { amount: 11_900, currency: 'USD' }
  const services = [
    { serviceId: 'install', serviceName: 'Installation', price, deposit: { rateBp: 10_000 } },
  ]
  const location = { timezone: 'Europe/Berlin', address: { country: 'DE' } }
  const { uri, worker } = await venue({ services, location })
  const { appointment } = await book(GRACE, uri, { startTime: '2026-12-02T15:00:00Z' })
  const { order } = appointment['payment'] as { order: string }
  await world.as(GRACE).call(`${COMMERCE}.payOrder`, { order, method: 'credit_card' })
  at(Date.parse('2026-12-02T17:00:00Z'))
  await call(OWNER, 'completeAppointment', { appointment: appointment.uri })
  const terms = appointment.uri
    .replace(/customer-\w+/, 'managers')
    .replace('.appointment/', '.appointmentTerms/')
  const { commissionAmount } = await get<{ commissionAmount: object }>(
    OWNER,
    'getAppointmentTerms',
    { uri: terms },
  )
  expect(commissionAmount).toEqual({ amount: 400, currency: 'USD' })
  type Entry = { postings: { account: string; party?: string; amount: number }[] }
  const { items } = await owner.get<{ items: Entry[] }>(`${COMMERCE}.listLedgerEntries`, {
    tenant: SHOP,
    order,
  })
  const earned = items.flatMap(({ postings }) => postings).filter(({ party }) => party === worker)
  expect(earned.map(({ amount }) => amount)).toEqual([-400])
})
