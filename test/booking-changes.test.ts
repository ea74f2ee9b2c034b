import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginBooking } from '../src/appview/methods/booking/begin-booking.ts'
import { HOUR, START, bookingCalls } from './booking-calls.ts'
import {
  ANN,
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
import { eventually } from './eventually.ts'

type Letter = { to: string; subject: string; text: string; key: string }
const letters: Letter[] = []

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld({
    begin: async (deps: { outbox: Parameters<typeof beginBooking>[0] }) =>
      beginBooking(deps.outbox, {
        ...(deps as never as Parameters<typeof beginBooking>[1]),
        sendMail: async (letter) => void letters.push(letter),
      }),
  })
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const { at, noon, somebody, book, call } = bookingCalls(() => world)
const change = (did: string | undefined, method: string, appointment: string, more: object = {}) =>
  call(did, method, { appointment, ...more })

/** A venue with one of the staff, and an appointment of Grace's there. */
async function booked(more: object = {}, staff = ANN) {
  noon()
  const { uri } = await world.venue()
  await world.staff(uri, staff)
  const { appointment, token } = await book(GRACE, uri, more)
  return { venue: uri, uri: appointment.uri, token }
}

test('a guest is written to with what it takes to cancel', async () => {
  noon()
  const { uri: venue } = await world.venue()
  await world.staff(venue, somebody())
  const nobody = await refusal(book(undefined, venue))
  expect(nobody.error).toBe('ContactRequired')
  const contact = { name: 'Judy', email: 'judy@example.com' }
  const { appointment } = await book(undefined, venue, { contact })
  const letter = await eventually(() => {
    const found = letters.find(({ to }) => to === contact.email)
    if (!found) throw new Error('no letter yet')
    return found
  })
  expect(letter.text).toContain('2026-11-30 10:00 (America/New_York)')
  const token = letter.text.trim().split('\n').at(-1)!
  const done = await change(undefined, 'cancelAppointment', appointment.uri, { token })
  expect(done.status).toBe('cancelled')
})

test('of two requests that wait for one start only one can be made, so only one is confirmed', async () => {
  noon()
  const { uri } = await world.venue({ bayManagement: { bays: [{ bayId: 'one', bayName: 'One' }] } })
  await world.staff(uri, somebody())
  const more = { serviceId: 'asked' }
  const both = await Promise.allSettled([book(GRACE, uri, more), book(HEIDI, uri, more)])
  const [won] = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const [lost] = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect([won!.appointment.status, lost.error]).toEqual(['scheduled', 'SlotTaken'])
  const confirmed = await change(BOB, 'confirmAppointment', won!.appointment.uri)
  expect(confirmed.status).toBe('confirmed')
  const again = await change(BOB, 'confirmAppointment', won!.appointment.uri)
  expect(again).toEqual(confirmed)
})

test('what has lost its start while it waited is not confirmed when another has it', async () => {
  noon()
  const { uri } = await world.venue({ bayManagement: { bays: [{ bayId: 'one', bayName: 'One' }] } })
  await world.staff(uri, somebody())
  const first = await book(GRACE, uri, { serviceId: 'asked' })
  const { pool } = world.node
  await pool.query(`delete from repo.busy where booking = $1`, [
    first.appointment.uri.split('/').at(-1),
  ])
  await book(HEIDI, uri, { serviceId: 'asked' })
  const { error, message } = await refusal(change(BOB, 'confirmAppointment', first.appointment.uri))
  expect(error).toBe('SlotTaken')
  expect(message).toMatch(/Free are 2026-11-30T11:00, /)
})

test('a customer cancels for nothing until the cut-off, later for the fee, and the start is free', async () => {
  const { venue, uri } = await booked({}, somebody())
  const cancelled = await change(GRACE, 'cancelAppointment', uri, { reason: 'Ill' })
  expect(cancelled).toMatchObject({ status: 'cancelled', statusReason: 'Ill', sequence: 1 })
  expect(cancelled['settlement']).toEqual({ fee: 0, refund: 0, due: 0 })
  const next = await book(HEIDI, venue)
  at(START - HOUR)
  const late = await change(HEIDI, 'cancelAppointment', next.appointment.uri)
  expect(late['settlement']).toEqual({ fee: 0, refund: 0, due: 2_500 })
  const again = await refusal(
    change(HEIDI, 'rescheduleAppointment', next.appointment.uri, {
      startTime: '2026-12-01T15:00:00Z',
    }),
  )
  expect(again.error).toBe('InvalidTransition')
})

test('a signed link is good for its own appointment and for nothing else', async () => {
  const [one, two] = [await booked({}, somebody()), await booked({}, somebody())]
  const { token } = one
  expect((await refusal(change(undefined, 'cancelAppointment', one.uri))).error).toBe('NotFound')
  const wrong = await refusal(change(undefined, 'cancelAppointment', two.uri, { token }))
  expect(wrong.error).toBe('NotFound')
  const forged = await refusal(
    change(undefined, 'cancelAppointment', one.uri, { token: `${token}x` }),
  )
  expect(forged.error).toBe('InvalidLink')
  const read = await world.as(undefined).get<Shown>(`${BOOKING}.readAppointment`, {
    appointment: one.uri,
    token,
  })
  expect(read.status).toBe('confirmed')
  const done = await change(undefined, 'cancelAppointment', one.uri, { token })
  expect(done.status).toBe('cancelled')
  const confirm = await refusal(change(HEIDI, 'confirmAppointment', two.uri, { token: two.token }))
  expect(confirm.error).toBe('NotFound')
})

test('others learn nothing of an appointment and change nothing', async () => {
  const { uri } = await booked({}, somebody())
  const get = (did: string | undefined) =>
    world.as(did).get<Shown>(`${BOOKING}.getAppointment`, { uri })
  for (const did of [undefined, HEIDI, RIVAL, 'did:plc:stranger']) {
    expect((await refusal(get(did))).error).toBe('NotFound')
    expect((await refusal(change(did, 'cancelAppointment', uri))).error).toBe('NotFound')
  }
  expect((await get(GRACE)).uri).toBe(uri)
  expect((await get(OWNER)).uri).toBe(uri)
  const listed = async (did: string) =>
    (
      await world.as(did).get<{ items: Shown[] }>(`${BOOKING}.listAppointments`, { tenant: SHOP })
    ).items.map((item) => item.uri)
  expect(await listed(GRACE)).toContain(uri)
  expect(await listed(RIVAL)).toEqual([])
})

test('moving takes the new start and frees the old one, with the same person, or does nothing', async () => {
  const who = somebody()
  const { venue, uri } = await booked({}, who)
  const other = await book(HEIDI, venue, { startTime: '2026-11-30T18:00:00Z' })
  const into = { startTime: '2026-11-30T17:30:00Z' }
  const refused = await refusal(change(GRACE, 'rescheduleAppointment', uri, into))
  expect(refused.error).toBe('SlotTaken')
  const still = await refusal(book('did:plc:ivan', venue))
  expect(still.error).toBe('SlotTaken')
  // Half an hour later it overlaps itself, which is nobody else's.
  const half = { startTime: '2026-11-30T15:30:00Z' }
  const moved = await change(GRACE, 'rescheduleAppointment', uri, half)
  expect(moved).toMatchObject({ startTime: '2026-11-30T15:30:00.000Z', sequence: 1 })
  await book('did:plc:ivan', venue, { startTime: '2026-11-30T14:30:00Z' })
  await change(BOB, 'rescheduleAppointment', other.appointment.uri, {
    localStart: '2026-12-01T09:00',
    reason: 'Bay is broken',
  })
  at(START - HOUR)
  const late = await refusal(change(GRACE, 'rescheduleAppointment', uri, half))
  expect(late.error).toBe('TooLate')
})

test('an outcome is noted by the staff, earns a commission for managers, and is corrected for a week', async () => {
  const who = somebody()
  const { uri } = await booked({}, who)
  expect((await refusal(change(BOB, 'completeAppointment', uri))).error).toBe('TooEarly')
  at(START)
  await change(GRACE, 'checkIn', uri)
  expect((await refusal(change(GRACE, 'completeAppointment', uri))).error).toBe('NotFound')
  const done = await change(who, 'completeAppointment', uri)
  expect(done).toMatchObject({ status: 'completed', nextStates: ['no_show'] })
  const terms = (did: string) =>
    world.as(did).get<Record<string, unknown>>(`${BOOKING}.getAppointmentTerms`, {
      uri: `at://${SHOP}/${BOOKING}.appointmentTerms/${uri.split('/').at(-1)!}`,
    })
  expect(await terms(OWNER)).toMatchObject({
    source: 'system_generated',
    performer: who,
    commissionRateBp: 400,
    commissionAmount: { amount: 400, currency: 'USD' },
  })
  expect((await refusal(terms(BOB))).error).toBe('NotFound')
  expect((await refusal(terms(GRACE))).error).toBe('NotFound')
  expect((await refusal(change(BOB, 'markNoShow', uri))).error).toBe('InvalidTransition')
  const wrong = { to: 'no_show', reason: 'Nobody was there' }
  expect((await refusal(change(who, 'correctAppointment', uri, wrong))).error).toBe('NotFound')
  const corrected = await change(BOB, 'correctAppointment', uri, wrong)
  expect(corrected.status).toBe('no_show')
  expect(await terms(OWNER)).toMatchObject({ commissionAmount: { amount: 0, currency: 'USD' } })
  const back = { to: 'completed', reason: 'They were' }
  at(START + HOUR + 7 * 24 * HOUR + 1)
  expect((await refusal(change(BOB, 'correctAppointment', uri, back))).error).toBe('TooLate')
})

test('the same request sent twice books once, another one under its name is refused', async () => {
  noon()
  const { uri: venue } = await world.venue()
  await world.staff(venue, somebody())
  const more = { idempotencyKey: 'one' }
  const [first, second] = [await book(GRACE, venue, more), await book(GRACE, venue, more)]
  expect(second.appointment.uri).toBe(first.appointment.uri)
  const other = { ...more, startTime: '2026-12-01T15:00:00Z' }
  expect(await refusal(book(GRACE, venue, other))).toMatchObject({
    error: 'IdempotencyMismatch',
    status: 422,
  })
})
