import { expect, test } from 'vitest'
import {
  type Appointment,
  cancel,
  checkIn,
  complete,
  confirm,
  correct,
  earnedOf,
  miss,
  reschedule,
} from './appointment-change.ts'

const START = Date.parse('2026-11-30T15:00:00Z')
const HOUR = 3_600_000
const booked: Appointment = {
  title: 'Installation',
  organizer: 'did:plc:shop',
  service: {
    serviceId: 'install',
    serviceName: 'Installation',
    duration: 90,
    price: { amount: 10_000, currency: 'USD' },
  },
  bookingSettings: { cutOff: 24 * 60, lateFeeBp: 2_500, noShowFeeBp: 5_000 },
  startTime: '2026-11-30T15:00:00Z',
  endTime: '2026-11-30T16:30:00Z',
  timezone: 'America/New_York',
  status: 'confirmed',
  sequence: 0,
  remindersSent: ['2026-11-29T15:00:00Z'],
  createdAt: '2026-11-23T10:00:00Z',
}
const at = (now: number, by: 'customer' | 'staff' = 'customer', reason?: string) => ({
  now,
  by,
  ...(reason !== undefined && { reason }),
})
const done = (a: Appointment | string): Appointment => {
  if (typeof a === 'string') throw new Error(a)
  return a
}

test('what is moved keeps its price and history, is reminded of anew and has a higher number', () => {
  const to = { start: START + 24 * HOUR, organizer: 'did:plc:ben' }
  const moved = reschedule(booked, at(START - 50 * HOUR, 'staff', 'Bay is broken'), to)
  expect(moved).toMatchObject({
    startTime: '2026-12-01T15:00:00.000Z',
    endTime: '2026-12-01T16:30:00.000Z',
    localStart: '2026-12-01T10:00',
    organizer: 'did:plc:ben',
    service: booked.service,
    sequence: 1,
    remindersSent: [],
    status: 'confirmed',
  })
  const again = reschedule(moved, at(START), to)
  expect(
    again.history!.map(({ action, by, startTime, reason }) => [action, by, startTime, reason]),
  ).toEqual([
    ['rescheduled', 'staff', '2026-11-30T15:00:00Z', 'Bay is broken'],
    ['rescheduled', 'customer', '2026-12-01T15:00:00.000Z', undefined],
  ])
})

test('cancelling says what it comes to, and is a new number for calendars', () => {
  const late = done(cancel(booked, at(START - HOUR, 'customer', 'Ill'), 3_000))
  expect(late).toMatchObject({
    status: 'cancelled',
    statusReason: 'Ill',
    settlement: { fee: 2_500, refund: 500, due: 0 },
    sequence: 1,
  })
  const early = done(cancel(booked, at(START - 24 * HOUR), 3_000))
  expect(early.settlement).toEqual({ fee: 0, refund: 3_000, due: 0 })
  const strict = { ...booked, bookingSettings: { cutOff: 60 } }
  expect(cancel(strict, at(START - HOUR + 1), 0)).toBe('TooLate')
  const never = { ...booked, bookingSettings: { allowCancellation: false } }
  expect(cancel(never, at(0), 0)).toBe('NotAllowed')
  expect(done(cancel(never, at(START, 'staff'), 0)).status).toBe('cancelled')
})

test('an outcome is noted when it can be known, and corrected for a week', () => {
  expect(complete(booked, at(START - 1, 'staff'))).toBe('TooEarly')
  const completed = done(complete(booked, at(START, 'staff')))
  expect([completed.status, completed.sequence, earnedOf(completed)]).toEqual([
    'completed',
    0,
    10_000,
  ])
  expect(miss(booked, at(START + 10 * 60_000 - 1, 'staff'), 0)).toBe('TooEarly')
  const missed = done(miss(booked, at(START + 10 * 60_000, 'staff'), 3_000))
  expect([missed.status, missed.settlement, earnedOf(missed)]).toEqual([
    'no_show',
    { fee: 3_000, refund: 0, due: 2_000 },
    3_000,
  ])
  const end = START + 1.5 * HOUR
  const late = at(end + 7 * 24 * HOUR, 'staff', 'They came')
  const corrected = done(correct(missed, late, { to: 'completed', paid: 3_000 }))
  expect([corrected.status, corrected.settlement]).toEqual(['completed', undefined])
  expect(correct(missed, at(late.now + 1), { to: 'completed', paid: 0 })).toBe('TooLate')
  const back = done(correct(corrected, late, { to: 'no_show', paid: 3_000 }))
  expect(back.settlement?.fee).toBe(3_000)
  expect(earnedOf(booked)).toBe(0)
})

test('confirming and checking in change no calendar', () => {
  expect(checkIn(booked, at(START - 2 * HOUR - 1))).toBe('TooEarly')
  expect(done(checkIn(booked, at(START - 2 * HOUR)))).toMatchObject({
    checkedInAt: '2026-11-30T13:00:00.000Z',
    status: 'confirmed',
    sequence: 0,
  })
  expect(confirm({ ...booked, status: 'scheduled' }, at(0, 'staff')).status).toBe('confirmed')
})
