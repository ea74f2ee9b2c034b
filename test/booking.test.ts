import { afterAll, beforeAll, expect, test } from 'vitest'
import { bookingCalls } from './booking-calls.ts'
import {
  ANN,
  BOB,
  BOOKING,
  type BookingWorld,
  GRACE,
  HEIDI,
  OWNER,
  SHOP,
  bookingWorld,
  refusal,
} from './booking-world.ts'

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld()
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const { book } = bookingCalls(() => world)

/** Asks all at once; how many had it, and what the others were told. */
async function race(calls: readonly Promise<unknown>[]) {
  const done = await Promise.allSettled(calls)
  const refused = done.flatMap((d) => (d.status === 'rejected' ? [d.reason as Error] : []))
  return { won: done.length - refused.length, refused: refused as never as { error: string }[] }
}

const crowd = (n: number) => Array.from({ length: n }, (_, k) => `did:plc:crowd${k}`)

test('of a hundred who book one start at once one has it, the others hear of three that are free', async () => {
  const { uri } = await world.venue()
  await world.staff(uri, ANN)
  const { won, refused } = await race(crowd(100).map((did) => book(did, uri)))
  expect(won).toBe(1)
  expect(refused.map(({ error }) => error)).toEqual(Array(99).fill('SlotTaken'))
  const { message, status } = refused[0] as never as { message: string; status: number }
  expect(status).toBe(409)
  expect(message).toContain(
    'Free are 2026-11-30T11:00, 2026-11-30T11:15, 2026-11-30T11:30 (America/New_York).',
  )
  const free = message.match(/2026-11-30T11:\d\d/g)!
  expect(free).toHaveLength(3)
  for (const localStart of free.slice(0, 1))
    await book(GRACE, uri, { startTime: undefined, localStart })
})

test('two bays and two of the staff take two at once, two bays and one of the staff take one', async () => {
  const [both, single] = [await world.venue(), await world.venue()]
  await world.staff(both.uri, ANN)
  await world.staff(both.uri, BOB)
  await world.staff(single.uri, HEIDI)
  const startTime = '2026-12-01T15:00:00Z'
  const two = await race(crowd(10).map((did) => book(did, both.uri, { startTime })))
  const one = await race(crowd(10).map((did) => book(did, single.uri, { startTime })))
  expect([two.won, one.won]).toEqual([2, 1])
})

test('seats of a group are taken until none is left, and never more', async () => {
  const { uri } = await world.venue()
  await world.staff(uri, 'did:plc:teacher')
  const more = { serviceId: 'class', startTime: '2026-12-02T15:00:00Z' }
  const { won, refused } = await race(crowd(20).map((did) => book(did, uri, more)))
  expect(won).toBe(3)
  expect(new Set(refused.map(({ error }) => error))).toEqual(new Set(['SlotTaken']))
})

test('a start that is held is taken for all but whoever holds it, for ten minutes', async () => {
  const { uri } = await world.venue()
  await world.staff(uri, 'did:plc:holdstaff')
  const want = { venue: uri, serviceId: 'install', startTime: '2026-12-03T15:00:00Z' }
  const hold = () => world.as(GRACE).call<{ token: string }>(`${BOOKING}.holdSlot`, want)
  const { token } = await hold()
  expect((await refusal(book(HEIDI, uri, want))).error).toBe('SlotTaken')
  const { appointment } = await book(GRACE, uri, { ...want, hold: token })
  expect(appointment.startTime).toBe('2026-12-03T15:00:00.000Z')
  expect((await refusal(book(GRACE, uri, { ...want, hold: token }))).error).toBe('HoldExpired')

  const later = { ...want, startTime: '2026-12-03T18:00:00Z' }
  const second = await world.as(GRACE).call<{ token: string }>(`${BOOKING}.holdSlot`, later)
  await world.as(GRACE).call(`${BOOKING}.releaseHold`, { token: second.token })
  const third = await world.as(GRACE).call<{ token: string }>(`${BOOKING}.holdSlot`, later)
  world.now = new Date(world.now.getTime() + 10 * 60_000 + 1)
  expect((await refusal(book(GRACE, uri, { ...later, hold: third.token }))).error).toBe(
    'HoldExpired',
  )
  await book(HEIDI, uri, later)
})

test('nobody holds more than five starts, and held seats of a group come back', async () => {
  const { uri } = await world.venue()
  await world.staff(uri, 'did:plc:seatstaff')
  const want = { venue: uri, serviceId: 'class', startTime: '2026-12-04T15:00:00Z', seats: 2 }
  const eve = world.as('did:plc:eve')
  await eve.call(`${BOOKING}.holdSlot`, want)
  expect((await refusal(book(HEIDI, uri, want))).error).toBe('SlotTaken')
  for (const hour of [16, 17, 18, 19]) {
    const startTime = `2026-12-04T${hour}:00:00Z`
    await eve.call(`${BOOKING}.holdSlot`, { ...want, startTime })
  }
  const sixth = { ...want, startTime: '2026-12-04T20:00:00Z' }
  expect((await refusal(eve.call(`${BOOKING}.holdSlot`, sixth))).error).toBe('LimitExceeded')
  world.now = new Date(world.now.getTime() + 10 * 60_000 + 1)
  await book(HEIDI, uri, want)
  await book(GRACE, uri, { ...want, seats: 1 })
})

test('a time that the clocks leave out is an hour later, one that comes twice is its first', async () => {
  const { uri } = await world.venue({
    services: [
      {
        serviceId: 'install',
        serviceName: 'Installation',
        requiresStaff: false,
        bookingWindow: 365,
      },
    ],
  })
  const at = async (localStart: string) =>
    (await book(GRACE, uri, { startTime: undefined, localStart })).appointment
  expect(await at('2027-03-14T02:30')).toMatchObject({
    startTime: '2027-03-14T07:30:00.000Z',
    localStart: '2027-03-14T03:30',
  })
  expect(await at('2027-11-07T01:30')).toMatchObject({ startTime: '2027-11-07T05:30:00.000Z' })
})

test('a customer elsewhere books by the clock of the venue', async () => {
  const { uri } = await world.venue({
    location: { timezone: 'America/Vancouver' },
    businessHours: { schedule: [{ dayOfWeek: 'tuesday', openTime: '09:00', closeTime: '12:00' }] },
  })
  await world.staff(uri, 'did:plc:vanstaff')
  const from = '2026-12-01T00:00:00+01:00'
  const { items } = await world
    .as(undefined)
    .get<{ items: { startTime: string }[] }>(`${BOOKING}.searchAvailability`, {
      venue: uri,
      serviceId: 'install',
      from,
      limit: '1',
    })
  expect(items).toEqual([
    {
      startTime: '2026-12-01T16:00:00.000Z',
      endTime: '2026-12-01T17:00:00.000Z',
      localStart: '2026-12-01T09:00',
      timezone: 'America/Vancouver',
      bayId: 'one',
      seatsLeft: 1,
    },
  ])
  const early = await refusal(book(GRACE, uri, { startTime: '2026-12-01T15:00:00Z' }))
  expect(early.error).toBe('NotBookable')
  expect(early.message).toContain('2026-12-01T09:00')
})

test('who of the staff does it stays with the staff unless the venue shows them', async () => {
  const [hidden, open] = [
    await world.venue(),
    await world.venue({ bookingPolicy: { showStaff: true } }),
  ]
  await world.staff(hidden.uri, 'did:plc:hidden')
  await world.staff(open.uri, 'did:plc:open')
  const startTime = '2026-12-07T15:00:00Z'
  const first = await book(GRACE, hidden.uri, { startTime })
  expect(JSON.stringify(first)).not.toContain('did:plc:hidden')
  expect(first.appointment.organizer).toBe(SHOP)
  const second = await book(GRACE, open.uri, { startTime })
  expect(second.appointment.organizer).toBe('did:plc:open')
  const notes = (did: string) =>
    world.as(did).get<{ staff: string[] }>(`${BOOKING}.getAppointmentNotes`, {
      uri: `at://${SHOP}/${BOOKING}.appointmentNotes/${first.appointment.uri.split('/').at(-1)!}`,
    })
  expect((await notes(OWNER)).staff).toEqual(['did:plc:hidden'])
  expect((await refusal(notes(GRACE))).error).toBe('NotFound')
})
