import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deciding } from '../src/appview/business/transact.ts'
import { type Claim, claim, release } from '../src/appview/methods/booking/claim.ts'
import { realign } from '../src/appview/methods/booking/realign.ts'
import { silentLog } from '../src/log.ts'
import {
  BOOKING,
  type BookingWorld,
  GRACE,
  HEIDI,
  SHOP,
  bookingWorld,
  refusal,
} from './booking-world.ts'

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld()
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const MINUTE = 60_000
const START = Date.parse('2026-11-30T15:00:00Z')
const service: Claim['service'] = {
  serviceId: 'install',
  duration: 60,
  before: 0,
  after: 15,
  grid: 15,
  gridOffset: 0,
  notice: 0,
  windowDays: 60,
  requiresBay: true,
  bayTypes: [],
  requiresStaff: true,
  specialties: [],
  seats: 1,
  mayCrossClosing: false,
}
const wish = (booking: string, minutes: number, more: Partial<Claim> = {}): Claim => {
  const start = START + minutes * MINUTE
  const slot = { start, end: start + 60 * MINUTE, staff: GRACE, bayId: 'one', seatsLeft: 1 }
  return { plan: { venue: 'v', buffer: 0 }, service, slot, booking, seats: 1, ...more }
}
const decide = <T>(work: (d: Deciding) => Promise<T>) =>
  world.node.transact({ tenant: SHOP }, async (d) => ({
    answer: await work(d),
    writes: [],
    by: { actor: SHOP, role: 'test', action: 'test' },
  }))

test('the database itself refuses what collides, and the transaction goes on', async () => {
  const taken = await decide(async (d) => [
    await claim(d, wish('a', 0)),
    await claim(d, wish('b', 30)),
    await claim(d, wish('c', 60)),
    await claim(d, wish('d', 74)),
    await claim(d, wish('e', 75)),
    await claim(d, wish('f', -74)),
    await claim(d, wish('g', -75)),
  ])
  expect(taken).toEqual([true, false, false, false, true, false, true])
  const again = await decide(async (d) => {
    await release(d, 'a')
    return claim(d, wish('h', 0))
  })
  expect(again).toBe(true)
})

test('the database itself counts the seats of a group', async () => {
  const group = { service: { ...service, seats: 3 } }
  const slot = wish('x', 6_000).slot
  const join = (booking: string, seats: number, session?: string) =>
    decide((d) =>
      claim(
        d,
        wish(booking, 6_000, { ...group, seats, slot: { ...slot, ...(session && { session }) } }),
      ),
    )
  expect(await join('x', 2)).toBe(true)
  const session = `session:v:install:${slot.start}`
  expect(await join('y', 2, session)).toBe(false)
  expect(await join('z', 1, session)).toBe(true)
  expect(await join('w', 4)).toBe(false)
})

test('when a country changes its clocks what was booked stays at its time on the wall', async () => {
  const { uri: venue } = await world.venue()
  await world.staff(venue, 'did:plc:clockworker')
  const book = (did: string, startTime: string) =>
    world.as(did).call<{ appointment: { uri: string } }>(`${BOOKING}.bookAppointment`, {
      venue,
      serviceId: 'install',
      startTime,
    })
  const { appointment } = await book(GRACE, '2026-12-10T15:00:00Z')
  const shown = () =>
    world.as(GRACE).get<Record<string, unknown>>(`${BOOKING}.getAppointment`, {
      uri: appointment.uri,
    })
  const deps = {
    sql: world.node.pool,
    transact: world.node.transact,
    clock: { now: () => world.now },
    log: silentLog,
  }
  expect(await realign(deps)).toBe(0)
  // As if the zone had been five hours behind when it was booked and were six behind by now.
  const [, , , , place, , rkey] = appointment.uri.slice('at://'.length).split('/')
  const [, collection] = [place, `${BOOKING}.appointment`]
  const space = appointment.uri.slice(0, appointment.uri.indexOf(`/${SHOP}/${collection}`))
  await world.node.transact({ tenant: SHOP }, async (d) => {
    const { record } = (await d.read({ place: space, collection, rkey: rkey! }))!
    const before = { ...record, localStart: '2026-12-10T11:00' }
    return {
      answer: null,
      writes: [{ place: space, collection, rkey: rkey!, record: before }],
      by: { actor: SHOP, role: 'test', action: 'test' },
    }
  })
  expect(await realign(deps)).toBe(1)
  await world.node.drain()
  expect(await shown()).toMatchObject({
    startTime: '2026-12-10T16:00:00.000Z',
    endTime: '2026-12-10T17:00:00.000Z',
    localStart: '2026-12-10T11:00',
    sequence: 1,
  })
  await book(HEIDI, '2026-12-10T15:00:00Z')
  expect((await refusal(book(HEIDI, '2026-12-10T16:00:00Z'))).error).toBe('SlotTaken')
  expect(await realign(deps)).toBe(0)
})
