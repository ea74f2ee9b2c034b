import { silentLog } from '../../src/log.ts'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import { SHIPPING, compareBooks, dollars } from './shop-books.ts'
import { check, refuses } from './story-checks.ts'
import { PLATFORM, type Provision, asOperator, someone } from './tenancy.ts'

const COMMERCE = 'co.kendev.commerce'
const BOOKING = 'co.kendev.booking'
const ENTERPRISE = 'co.kendev.enterprise'
const HOUR = 3_600_000

type Ref = { uri: string }
type Line = { id: string; totalPrice: number; tax: number }
type Order = Ref & {
  orderNumber: string
  status: string
  paymentStatus: string
  totalAmount: number
  taxAmount: number
  dueNow?: number
  lineItems: Line[]
}
type Appointment = Ref & {
  status: string
  startTime: string
  sequence: number
  payment?: { order?: string }
}
type Items<T> = { items: T[] }

/** A car-audio shop with two bays on one node, and Ben of the other, who books an installation with
 *  a deposit and buys speakers; the shop moves it, does it and pays one part back; the books agree
 *  to the cent. `look` sees the shop's node in the end. Throws where it does not go as told. */
export async function playShopStory(
  tell: (line: string) => void,
  look: (home: TestNode) => Promise<void> = async () => {},
): Promise<void> {
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  await using network = await startNetwork(2, {}, () => silentLog, clock)
  const [home, away] = network.nodes as [TestNode, TestNode]
  const shop = await openShop(home)
  const ben = await someone(away, 'ben')
  const stage = { home, shop, ben, tell, proxy: { proxy: home.service } }
  tell(`the Bass Bay, two bays and an installer, is ${shop.tenant} on ${home.url}`)
  const appointment = await bookAndPay(stage)
  const speakers = await buySpeakers(stage)
  await followHome(stage, away, appointment)

  const { owner } = shop
  const nextDay = new Date(Date.parse(appointment.startTime) + 12 * HOUR).toISOString()
  const moved = await owner.call<Appointment>(`${BOOKING}.rescheduleAppointment`, {
    appointment: appointment.uri,
    startTime: await freeFrom(owner, shop.venue, { from: nextDay }),
    reason: 'the first bay is closed in the morning',
  })
  check(moved.sequence > appointment.sequence, 'a calendar sees that it was moved')
  tell(`the shop moved it to ${moved.startTime}; Ben keeps his deposit and his place`)

  ahead = Date.parse(moved.startTime) + 3 * HOUR - Date.now()
  await finish(stage, { appointment: moved, speakers })
  await compareBooks(shop, tell)
  await look(home)
}

type Shop = { tenant: string; owner: Person; installer: Person; venue: string; speakers: string }
type Stage = {
  home: TestNode
  shop: Shop
  ben: Person
  tell: (line: string) => void
  proxy: { proxy: string }
}

async function openShop(home: TestNode): Promise<Shop> {
  const names = ['root', 'owner', 'installer'].map((name) => someone(home, name))
  const [root, owner, installer] = (await Promise.all(names)) as [Person, Person, Person]
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const { did: tenant } = await root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'The Bass Bay',
    subdomain: 'bass-bay',
    owner: owner.did,
    template: 'custom',
    plan: 'professional',
  })
  const at = { tenant }
  const createdAt = new Date().toISOString()
  await owner.call(`${COMMERCE}.putStoreSettings`, {
    ...at,
    settings: {
      currency: 'USD',
      updatedAt: createdAt,
      taxRates: [{ name: 'Sales tax', region: 'US', rateBp: 825 }],
      shippingMethods: [{ id: 'ground', name: 'Ground', amount: SHIPPING }],
    },
  })
  const { uri: speakers } = await owner.call<Ref>(`${COMMERCE}.putProduct`, {
    ...at,
    product: {
      title: 'Component speakers',
      productType: 'physical',
      pricing: { basePrice: 24_999, currency: 'USD' },
      inventory: { trackQuantity: true },
      createdAt,
    },
  })
  const stock = { ...at, product: speakers, delta: 4, reason: 'received', idempotencyKey: 'first' }
  await owner.call(`${COMMERCE}.adjustStock`, stock)
  const { uri: venue } = await owner.call<Ref>(`${ENTERPRISE}.putVenue`, {
    ...at,
    venue: venueOf(),
  })
  const staff = { $type: `${ENTERPRISE}.venueStaff`, venue, user: installer.did, createdAt }
  await owner.call(`${ENTERPRISE}.putVenueStaff`, { ...at, staff })
  return { tenant, owner, installer, venue, speakers }
}

function venueOf() {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
  return {
    $type: `${ENTERPRISE}.venue`,
    name: 'The Bass Bay',
    location: {
      timezone: 'America/Los_Angeles',
      address: { country: 'US', region: 'CA', locality: 'Santa Cruz', street: '1 Ocean Street' },
    },
    businessHours: {
      schedule: days.map((dayOfWeek) => ({ dayOfWeek, openTime: '08:00', closeTime: '20:00' })),
    },
    services: [
      {
        serviceId: 'install',
        serviceName: 'Speaker installation',
        serviceType: 'standard_install',
        duration: 120,
        slotInterval: 60,
        price: { amount: 18_000, currency: 'USD' },
        deposit: { rateBp: 2_500 },
        requiresBay: true,
      },
    ],
    bayManagement: {
      bays: ['one', 'two'].map((bayId) => ({ bayId, bayName: bayId, bayType: 'install_bay' })),
    },
    createdAt: new Date().toISOString(),
  }
}

/** Ben finds a start, books it and pays the deposit, all through his own node. */
async function bookAndPay({ shop, ben, tell, proxy }: Stage): Promise<Appointment> {
  const wish = { venue: shop.venue, serviceId: 'install' }
  const from = new Date(Date.now() + 24 * HOUR).toISOString()
  const startTime = await freeFrom(ben, shop.venue, { from, ...proxy })
  const asked = { ...wish, startTime, idempotencyKey: 'ben-books' }
  const book = () =>
    ben.call<{ appointment: Appointment }>(`${BOOKING}.bookAppointment`, asked, proxy)
  const { appointment } = await book()
  check((await book()).appointment.uri === appointment.uri, 'asked twice, it is booked once')
  const order = appointment.payment?.order
  check(order !== undefined, 'the deposit is an order')
  const pay = { order, method: 'credit_card', paymentMethod: 'card', idempotencyKey: 'ben-pays' }
  const paid = await ben.call<{ order: Order }>(`${COMMERCE}.payOrder`, pay, proxy)
  check(paid.order.status === 'processing', 'the deposit is paid')
  tell(`Ben, ${ben.did} on the other node, booked ${startTime} and paid a deposit of $45.00`)
  return appointment
}

/** The first start that is free from a time on. */
async function freeFrom(
  who: Person,
  venue: string,
  { from, ...options }: { from: string; proxy?: string },
): Promise<string> {
  const asked = { venue, serviceId: 'install', from }
  const { items } = await who.get<Items<{ startTime: string }>>(
    `${BOOKING}.searchAvailability`,
    asked,
    options,
  )
  return items[0]!.startTime
}

/** And buys two pairs of speakers. */
async function buySpeakers({ shop, ben, tell, proxy }: Stage): Promise<Order> {
  const wish = {
    tenant: shop.tenant,
    lines: [{ product: shop.speakers, quantity: 2 }],
    shippingMethod: 'ground',
    shippingAddress: { name: 'Ben', address1: '1 Pier', city: 'Santa Cruz', country: 'US' },
    idempotencyKey: 'ben-buys',
  }
  const { order } = await ben.call<{ order: Order }>(`${COMMERCE}.checkout`, wish, proxy)
  const pay = { order: order.uri, method: 'credit_card', paymentMethod: 'sandbox-duplicate' }
  const paid = await ben.call<{ order: Order }>(
    `${COMMERCE}.payOrder`,
    { ...pay, idempotencyKey: 'ben-pays-too' },
    proxy,
  )
  check(paid.order.paymentStatus === 'captured', 'the speakers are paid for')
  tell(
    `order ${order.orderNumber}: two pairs of speakers, $${dollars(order.totalAmount)}, paid once`,
  )
  return paid.order
}

/** Ben's own node follows his space at the shop, and shows it to him only. */
async function followHome(
  { shop, ben, tell }: Stage,
  away: TestNode,
  { uri }: Appointment,
): Promise<void> {
  const skey = uri.split('/')[5]!
  await ben.call('co.kendev.actor.putSpaceGrant', {
    authority: shop.tenant,
    spaceType: 'co.kendev.platform.tenantSpace',
    actions: ['read'],
    skeys: [skey],
  })
  await eventually(() => ben.get(`${BOOKING}.getAppointment`, { uri }))
  const other = await someone(away, 'other')
  await refuses(() => other.get(`${BOOKING}.getAppointment`, { uri }), 'NotFound')
  tell('his own node has his appointment and his orders too, and shows them to him only')
}

/** The shop does the work, takes the rest in cash, sends the speakers and pays one pair back. */
async function finish(
  { shop, tell }: Stage,
  { appointment, speakers }: { appointment: Appointment; speakers: Order },
): Promise<void> {
  const { owner } = shop
  const at = { order: appointment.payment!.order!, method: 'cash', idempotencyKey: 'the-rest' }
  await owner.call(`${COMMERCE}.payOrder`, at)
  const done = await owner.call<Appointment>(`${BOOKING}.completeAppointment`, {
    appointment: appointment.uri,
  })
  check(done.status === 'completed', 'the installation took place')
  const { fulfilment } = await owner.call<{ fulfilment: Ref }>(`${COMMERCE}.fulfilOrder`, {
    order: speakers.uri,
    idempotencyKey: 'parcel',
  })
  const ship = { fulfilment: fulfilment.uri, to: 'shipped', trackingNumber: '1Z', carrier: 'ups' }
  await owner.call(`${COMMERCE}.setFulfilmentStatus`, ship)
  const line = speakers.lineItems[0]!.id
  const refund = await owner.call<{ order: Order; refund: { amount: number } }>(
    `${COMMERCE}.refundOrder`,
    {
      order: speakers.uri,
      lines: [{ line, quantity: 1, restock: true }],
      reason: 'defective',
      idempotencyKey: 'one-pair',
    },
  )
  check(refund.order.paymentStatus === 'partially_refunded', 'one pair is paid back')
  tell(`done and paid; one pair came back: $${dollars(refund.refund.amount)} with its tax`)
}
