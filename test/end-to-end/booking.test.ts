import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet } from '../person.ts'
import {
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  letterTo,
  someone,
} from './tenancy.ts'

const BOOKING = 'co.kendev.booking'
const ENTERPRISE = 'co.kendev.enterprise'
const MADE = { createdAt: '2026-11-23T10:00:00Z' }

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let away: TestNode
let shop: string
let venue: string
const people = {} as Record<'owner' | 'worker' | 'ben', Person>

beforeAll(async () => {
  network = await startNetwork(2)
  ;[home, away] = network.nodes as [TestNode, TestNode]
  people.owner = await someone(home, 'owner')
  people.worker = await someone(home, 'worker')
  people.ben = await someone(away, 'ben')
  const root = await someone(home, 'root')
  const { owner } = people
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const wish = { name: 'Car audio', subdomain: 'car-audio', owner: owner.did, plan: 'starter' }
  const set = { ...wish, template: 'custom' }
  shop = (await root.call<Provision>(`${PLATFORM}.provisionTenant`, set)).did
  await accept(people.worker, (await invite(owner, shop)).token)
  const made = await owner.call<{ uri: string }>(`${ENTERPRISE}.putVenue`, {
    tenant: shop,
    venue: audioShop(),
  })
  venue = made.uri
  await owner.call(`${ENTERPRISE}.putVenueStaff`, {
    tenant: shop,
    staff: {
      $type: `${ENTERPRISE}.venueStaff`,
      venue,
      user: people.worker.did,
      workStation: { canFloatBays: true },
      ...MADE,
    },
  })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

/** Open every day of the year, as of whenever the tests are run. */
function audioShop() {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
  const bay = { bayId: 'one', bayName: 'Bay one', bayType: 'install_bay' }
  return {
    $type: `${ENTERPRISE}.venue`,
    name: 'Car audio',
    location: { timezone: 'America/New_York' },
    businessHours: {
      schedule: days.map((dayOfWeek) => ({ dayOfWeek, openTime: '09:00', closeTime: '17:00' })),
    },
    services: [{ serviceId: 'install', serviceName: 'Installation', requiresBay: true }],
    bayManagement: { bays: [bay, { ...bay, bayId: 'two', bayName: 'Bay two' }] },
    ...MADE,
  }
}

type Slot = { startTime: string }
type Booked = { appointment: { uri: string; status: string; startTime: string }; token: string }
const search = async () =>
  (
    await anybodyGet<{ items: Slot[] }>(home.url, `${BOOKING}.searchAvailability`, {
      venue,
      serviceId: 'install',
      from: new Date(Date.now() + 3 * 86_400_000).toISOString(),
    })
  ).items

test('a customer of another node books, sees it, and moves it; others see nothing', async () => {
  const { ben, owner, worker } = people
  const proxied = { proxy: home.service }
  const found = await search()
  const [first, second] = [found[0], found[8]]
  const wish = { venue, serviceId: 'install', startTime: first!.startTime }
  const { appointment } = await ben.call<Booked>(`${BOOKING}.bookAppointment`, wish, proxied)
  expect(appointment).toMatchObject({ status: 'confirmed', startTime: first!.startTime })
  const get = (who: Person, options?: object) =>
    who.get<Booked['appointment']>(`${BOOKING}.getAppointment`, { uri: appointment.uri }, options)
  expect((await get(ben, proxied)).uri).toBe(appointment.uri)
  expect((await get(owner)).uri).toBe(appointment.uri)
  await expect(get(worker)).rejects.toMatchObject({ error: 'NotFound' })
  const moved = await ben.call<Booked['appointment']>(
    `${BOOKING}.rescheduleAppointment`,
    { appointment: appointment.uri, startTime: second!.startTime },
    proxied,
  )
  expect(moved.startTime).toBe(second!.startTime)
  expect((await search())[0]).toMatchObject(first!)
})

test('of a hundred bookings of one start at once one is made, and the others are told what is free', async () => {
  const slots = await search()
  const { startTime } = slots[6]!
  const calls = Array.from({ length: 100 }, (_, n) =>
    people.owner.call(`${BOOKING}.bookAppointment`, {
      venue,
      serviceId: 'install',
      startTime,
      contact: { name: `Guest ${n}`, email: `guest${n}@example.com` },
    }),
  )
  const done = await Promise.allSettled(calls)
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const errors = done.flatMap((d) => (d.status === 'rejected' ? [d.reason as Error] : []))
  for (const error of errors) {
    expect(error).toMatchObject({ status: 409, error: 'SlotTaken' })
    expect(error.message.match(/\d{4}-\d\d-\d\dT\d\d:\d\d/g)).toHaveLength(4)
  }
})

test('a guest gets a letter with what it takes to cancel, and a calendar takes it out again', async () => {
  const slots = await search()
  const response = await fetch(`${home.url}/xrpc/${BOOKING}.bookAppointment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      venue,
      serviceId: 'install',
      startTime: slots.at(-1)!.startTime,
      contact: { name: 'Judy', email: 'judy@example.com' },
    }),
  })
  const { appointment, token } = (await response.json()) as Booked
  const letter = await letterTo(home, 'judy@example.com')
  expect(letter.replaceAll(/=\r?\n/g, '')).toContain('Installation at Car audio')
  const file = () =>
    fetch(`${home.url}/xrpc/${BOOKING}.getCalendarFile?token=${token}`).then((r) => r.text())
  expect(await file()).toContain('METHOD:PUBLISH')
  const cancel = await fetch(`${home.url}/xrpc/${BOOKING}.cancelAppointment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ appointment: appointment.uri, token }),
  })
  expect(cancel.status).toBe(200)
  expect(await file()).toContain('METHOD:CANCEL')
})

test('a public event is in the tenant’s repo in the words of other programs too', async () => {
  const { uri } = await people.owner.call<{ uri: string }>(`${ENTERPRISE}.putEvent`, {
    tenant: shop,
    event: {
      $type: `${ENTERPRISE}.event`,
      title: 'Sound evening',
      eventType: 'meetup',
      eventDate: '2027-12-04',
      startTime: '19:00',
      timezone: 'America/New_York',
      isPublic: true,
      ...MADE,
    },
  })
  const mirror = await eventually(() =>
    anybodyGet<{ value: object }>(home.url, 'com.atproto.repo.getRecord', {
      repo: shop,
      collection: 'community.lexicon.calendar.event',
      rkey: uri.split('/').at(-1)!,
    }),
  )
  expect(mirror.value).toMatchObject({
    name: 'Sound evening',
    startsAt: '2027-12-05T00:00:00.000Z',
  })
  const health = (await (await fetch(`${home.url}/xrpc/_health`)).json()) as { tzdata: string }
  expect(health.tzdata).toBe(process.versions.tz)
})
