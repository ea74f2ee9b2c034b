import { expect, test } from 'vitest'
import { instantOf, localOf } from './local-time.ts'
import { type Hours, closedSpans, openSpans, readableHours } from './opening-hours.ts'

const ZONE = 'America/New_York'
const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday']
const shop: Hours = {
  schedule: [
    ...weekdays.flatMap((dayOfWeek) => [
      { dayOfWeek, openTime: '09:00', closeTime: '12:00' },
      { dayOfWeek, openTime: '13:00', closeTime: '17:00' },
    ]),
    { dayOfWeek: 'saturday', openTime: '10:00', closeTime: '14:00', isEmergencyOnly: true },
    { dayOfWeek: 'sunday', isClosed: true },
  ],
}

const span = (from: string, to: string, zone = ZONE) => ({
  start: instantOf(from, zone),
  end: instantOf(to, zone),
})
const open = (hours: Hours, from: string, to: string, emergency = false) =>
  openSpans(hours, span(from, to), { zone: ZONE, emergency }).map(({ start, end }) =>
    [start, end].map((at) => localOf(at, ZONE).slice(5)).join(' '),
  )

test('a day has as many stretches as are written for it', () => {
  expect(open(shop, '2026-11-02T00:00', '2026-11-03T00:00')).toEqual([
    '11-02T09:00 11-02T12:00',
    '11-02T13:00 11-02T17:00',
  ])
  expect(closedSpans(shop, span('2026-11-02T09:00', '2026-11-02T17:00'), { zone: ZONE })).toEqual([
    span('2026-11-02T12:00', '2026-11-02T13:00'),
  ])
})

test('the clock on the wall decides, on both sides of a change of the clocks', () => {
  expect(open(shop, '2026-10-30T00:00', '2026-10-31T00:00')[0]).toBe('10-30T09:00 10-30T12:00')
  expect(open(shop, '2026-11-02T00:00', '2026-11-03T00:00')[0]).toBe('11-02T09:00 11-02T12:00')
  const night: Hours = {
    schedule: [{ dayOfWeek: 'sunday', openTime: '00:00', closeTime: '24:00' }],
  }
  const [spring] = openSpans(night, span('2026-03-08T00:00', '2026-03-09T00:00'), { zone: ZONE })
  const [autumn] = openSpans(night, span('2026-11-01T00:00', '2026-11-02T00:00'), { zone: ZONE })
  expect((spring!.end - spring!.start) / 3_600_000).toBe(23)
  expect((autumn!.end - autumn!.start) / 3_600_000).toBe(25)
})

test('what closes after midnight is open into the next day', () => {
  const bar: Hours = { schedule: [{ dayOfWeek: 'friday', openTime: '20:00', closeTime: '02:00' }] }
  expect(open(bar, '2026-10-31T00:00', '2026-10-31T12:00')).toEqual(['10-31T00:00 10-31T02:00'])
})

test('special hours take the place of the weekly ones, and closed wins', () => {
  const hours = (more: Hours['specialHours']) => ({ ...shop, specialHours: more })
  const special = hours([{ date: '2026-11-02', openTime: '15:00', closeTime: '18:00' }])
  expect(open(special, '2026-11-02T00:00', '2026-11-03T00:00')).toEqual(['11-02T15:00 11-02T18:00'])
  const closed = hours([{ date: '2026-11-02', isClosed: true }])
  expect(open(closed, '2026-11-02T00:00', '2026-11-03T00:00')).toEqual([])
})

test('days for emergencies only are open for emergencies only', () => {
  expect(open(shop, '2026-10-31T00:00', '2026-11-01T00:00')).toEqual([])
  expect(open(shop, '2026-10-31T00:00', '2026-11-01T00:00', true)).toEqual([
    '10-31T10:00 10-31T14:00',
  ])
})

test('hours that cannot be meant are told from hours', () => {
  const one = (entry: object) =>
    readableHours({ schedule: [{ dayOfWeek: 'monday', ...entry }] } as Hours)
  expect(readableHours(shop)).toBe(true)
  expect(one({ openTime: '09:00', closeTime: '24:00' })).toBe(true)
  expect(one({ openTime: '9:00', closeTime: '10:00' })).toBe(false)
  expect(one({ openTime: '09:00' })).toBe(false)
  expect(one({ openTime: '09:00', closeTime: '25:00' })).toBe(false)
  expect(one({ dayOfWeek: 'someday', isClosed: true })).toBe(false)
  const twice = ['09:00', '10:00'].map((openTime) => ({
    dayOfWeek: 'monday',
    openTime,
    closeTime: '12:00',
  }))
  expect(readableHours({ schedule: twice })).toBe(false)
})
