import { afterAll, beforeAll, expect, test } from 'vitest'
import { expireEntries } from '../src/appview/methods/booking/expire-entries.ts'
import { REMIND, type Reminder, remind } from '../src/appview/methods/booking/reminders.ts'
import { offerStart } from '../src/appview/methods/booking/waitlist-offers.ts'
import { HOUR, START, bookingCalls } from './booking-calls.ts'
import {
  BOB,
  BOOKING,
  type BookingWorld,
  GRACE,
  HEIDI,
  OWNER,
  RIVAL,
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

const queued = async <T>(queue: string) =>
  (
    await world.node.pool.query<{ data: T }>('select data from jobs.job where name = $1', [queue])
  ).rows.map(({ data }) => data)

test('who waits longest is told when a start is free, and waits no more when they have booked', async () => {
  const { uri } = await venue()
  const taken = await book(HEIDI, uri)
  const wish = {
    venue: uri,
    serviceId: 'install',
    from: '2026-11-30T15:00:00Z',
    to: '2026-11-30T16:00:00Z',
  }
  type Entry = { entry: Shown & { offeredStart?: string }; token: string }
  const first = await call<Entry>(GRACE, 'joinWaitlist', wish)
  at(world.now.getTime() + 1_000)
  const second = await call<Entry>('did:plc:ivan', 'joinWaitlist', wish)
  const freed = { tenant: SHOP, venue: uri, start: START, round: 0 }
  const shown = async (did: string, { entry }: Entry) =>
    get<Entry['entry']>(did, 'getWaitlistEntry', { uri: entry.uri })
  await offerStart(world.node.transact, freed)
  expect((await shown(GRACE, first)).status).toBe('waiting')
  await call(HEIDI, 'cancelAppointment', { appointment: taken.appointment.uri })
  await offerStart(world.node.transact, freed)
  await world.node.drain()
  expect(await shown(GRACE, first)).toMatchObject({
    status: 'offered',
    offeredStart: '2026-11-30T15:00:00.000Z',
  })
  expect((await shown('did:plc:ivan', second)).status).toBe('waiting')
  await offerStart(world.node.transact, { ...freed, round: 1 })
  await world.node.drain()
  expect((await shown('did:plc:ivan', second)).status).toBe('offered')
  await book(GRACE, uri)
  expect((await shown(GRACE, first)).status).toBe('booked')
  expect((await refusal(shown(RIVAL, first))).error).toBe('NotFound')
  const left = await call(undefined, 'leaveWaitlist', {
    entry: second.entry.uri,
    token: second.token,
  })
  expect(left.status).toBe('left')
})

test('nobody waits for a time that has passed', async () => {
  const { uri } = await venue()
  const { entry } = await call<{ entry: Shown }>(GRACE, 'joinWaitlist', {
    venue: uri,
    serviceId: 'install',
    from: '2026-11-28T15:00:00Z',
    to: '2026-11-28T16:00:00Z',
  })
  const { node } = world
  const expire = async () => {
    const { pool: sql, transact } = node
    await expireEntries({ sql, transact, clock: { now: () => world.now } })
    await node.drain()
    return (await get<Shown>(GRACE, 'getWaitlistEntry', { uri: entry.uri })).status
  }
  expect(await expire()).toBe('waiting')
  at(Date.parse('2026-11-28T16:00:00Z'))
  expect(await expire()).toBe('expired')
})

test('one is reminded of the start that counts, a day and an hour before, each once', async () => {
  const { uri } = await venue()
  const { appointment } = await book(GRACE, uri)
  const jobs = async () =>
    (await queued<Reminder>(REMIND)).filter(({ rkey }) => appointment.uri.endsWith(rkey))
  expect((await jobs()).map(({ due }) => (START - due) / HOUR).toSorted((a, b) => a - b)).toEqual([
    1, 24,
  ])
  const [early] = (await jobs()).toSorted((a, b) => a.due - b.due)
  at(START - 24 * HOUR)
  await remind(world.node.transact, early!)
  await world.node.drain()
  const sent = async () =>
    (await get<{ remindersSent?: string[] }>(GRACE, 'getAppointment', { uri: appointment.uri }))
      .remindersSent
  expect(await sent()).toHaveLength(1)
  noon()
  const to = { appointment: appointment.uri, startTime: '2026-12-02T15:00:00Z' }
  await call(GRACE, 'rescheduleAppointment', to)
  expect(await sent()).toEqual([])
  await remind(world.node.transact, early!)
  await world.node.drain()
  expect(await sent()).toEqual([])
  expect(await jobs()).toHaveLength(4)
})

test('whoever does the work is told what customers do, and not what they do themselves', async () => {
  const { uri, worker } = await venue()
  const { appointment } = await book(GRACE, uri)
  await call(GRACE, 'rescheduleAppointment', {
    appointment: appointment.uri,
    startTime: '2026-12-03T15:00:00Z',
  })
  await call(worker, 'cancelAppointment', { appointment: appointment.uri })
  const told = (await queued<{ recipient: string; kind: string; data: { news: string } }>('notify'))
    .filter(({ recipient, kind }) => recipient === worker && kind === 'workNews')
    .map(({ data }) => data.news)
  expect(told.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['is booked', 'is moved'])
})

test('a customer says how it was once it is completed, and the mean shows', async () => {
  const { uri } = await venue()
  const { appointment, token } = await book(GRACE, uri)
  const rate = (did: string | undefined, more: object = {}) =>
    call(did, 'rateAppointment', { appointment: appointment.uri, rating: 4, ...more })
  expect((await refusal(rate(GRACE))).error).toBe('TooEarly')
  at(START)
  await call(BOB, 'completeAppointment', { appointment: appointment.uri })
  for (const did of [BOB, HEIDI, undefined])
    expect((await refusal(rate(did))).error).toBe('NotFound')
  await rate(GRACE)
  await rate(undefined, { token, rating: 5, comment: 'Better than I thought' })
  const shown = await get<{ attendeeRating: number }>(GRACE, 'getAppointment', {
    uri: appointment.uri,
  })
  expect(shown.attendeeRating).toBe(500)
})

test('those who plan see the whole day by bay and person, others their own part of it', async () => {
  const { uri, worker } = await venue()
  const second = 'did:plc:ann'
  await world.staff(uri, second)
  await book(GRACE, uri)
  await book(HEIDI, uri)
  const day = {
    tenant: SHOP,
    venue: uri,
    from: '2026-11-30T05:00:00Z',
    to: '2026-12-01T05:00:00Z',
  }
  type Day = { items: { staff?: string[]; bayId?: string; bufferTime: object }[] }
  const all = await get<Day>(BOB, 'getSchedule', day)
  expect(all.items.map(({ staff, bayId }) => [staff, bayId])).toEqual(
    expect.arrayContaining([
      [[second], 'one'],
      [[worker], 'two'],
    ]),
  )
  const own = await get<Day>(second, 'getSchedule', day)
  expect(own.items.map(({ staff }) => staff)).toEqual([[second]])
  const other = get<Day>(second, 'getSchedule', { ...day, staff: worker })
  expect((await refusal(other)).error).toBe('Forbidden')
  for (const did of [GRACE, RIVAL])
    expect((await refusal(get(did, 'getSchedule', day))).error).toBe('NotFound')
  const load = await get<{ utilisationBp: number; bays: object[] }>(BOB, 'getUtilisation', day)
  expect(load.utilisationBp).toBe(Math.round((120 * 10_000) / 2_880))
  expect(load.bays).toEqual([
    { bayId: 'one', openMinutes: 1440, bookedMinutes: 60, appointments: 1, utilisationBp: 417 },
    { bayId: 'two', openMinutes: 1440, bookedMinutes: 60, appointments: 1, utilisationBp: 417 },
  ])
  expect((await refusal(get(second, 'getUtilisation', day))).error).toBe('Forbidden')
})

test('what is never open has no utilisation', async () => {
  const { uri } = await venue({ businessHours: { schedule: [] } })
  const load = await get<Record<string, unknown>>(BOB, 'getUtilisation', {
    tenant: SHOP,
    venue: uri,
    from: '2026-11-30T05:00:00Z',
    to: '2026-12-01T05:00:00Z',
  })
  expect(load).not.toHaveProperty('utilisationBp')
})

test('nothing is booked while a venue, a bay or somebody is away, and who is booked then is named', async () => {
  const { uri, worker } = await venue({
    bayManagement: { bays: [{ bayId: 'one', bayName: 'One' }] },
  })
  const { appointment } = await book(GRACE, uri)
  const block = (more: object) => ({
    tenant: SHOP,
    block: {
      $type: `${BOOKING}.block`,
      localStart: '2026-11-30T08:00',
      localEnd: '2026-11-30T14:00',
      timezone: 'America/New_York',
      createdAt: '2026-11-23T10:00:00Z',
      ...more,
    },
  })
  type Put = { block: { uri: string }; bookings: string[] }
  const put = await call<Put>(OWNER, 'putBlock', block({ venue: uri, reason: 'Inventory' }))
  expect(put.bookings.map((one) => one.split('/').at(-1))).toEqual([
    appointment.uri.split('/').at(-1),
  ])
  const other = { startTime: '2026-11-30T17:00:00Z' }
  const closed = await refusal(book(HEIDI, uri, other))
  expect(closed.error).toBe('NotBookable')
  expect(closed.message).toContain('2026-11-30T14:00')
  await call(OWNER, 'removeBlock', { tenant: SHOP, uri: put.block.uri })
  await call(OWNER, 'putBlock', block({ staff: worker }))
  expect((await refusal(book(HEIDI, uri, other))).error).toBe('NotBookable')
  const foreign = await refusal(call(RIVAL, 'putBlock', block({ venue: uri })))
  expect(foreign.error).toBe('NotFound')
  const stolen = { ...block({ venue: uri }), tenant: 'did:plc:othershop' }
  expect((await refusal(call(RIVAL, 'putBlock', stolen))).error).toBe('NotFound')
})

test('free and busy names nobody', async () => {
  const { uri, worker } = await venue()
  await book(GRACE, uri)
  const busy = await get<{ items: object[]; open: object[] }>(undefined, 'getFreeBusy', {
    venue: uri,
    from: '2026-11-30T05:00:00Z',
    to: '2026-12-01T05:00:00Z',
  })
  expect(busy.items).toEqual([
    { startTime: '2026-11-30T15:00:00.000Z', endTime: '2026-11-30T16:00:00.000Z', bayId: 'one' },
  ])
  expect(busy.open).toHaveLength(1)
  expect(JSON.stringify(busy)).not.toMatch(new RegExp(`${worker}|${GRACE}`))
  const long = { venue: uri, from: '2026-11-30T05:00:00Z', to: '2027-12-01T05:00:00Z' }
  expect((await refusal(get(undefined, 'getFreeBusy', long))).error).toBe('BadSpan')
})
