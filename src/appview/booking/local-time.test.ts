import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  daysLater,
  dateOf,
  exists,
  instantOf,
  isLocalDate,
  isLocalTime,
  isZone,
  localOf,
  minutesLater,
  startOfDay,
  weekdayOf,
  wire,
  zoneDataVersion,
} from './local-time.ts'

const utc = (local: string, zone: string) => wire(instantOf(local, zone))

test('a time that the clocks leave out is read with the offset before, one that comes twice first', () => {
  expect(utc('2026-03-08T02:30', 'America/New_York')).toBe('2026-03-08T07:30:00.000Z')
  expect(localOf(instantOf('2026-03-08T02:30', 'America/New_York'), 'America/New_York')).toBe(
    '2026-03-08T03:30',
  )
  expect(exists('2026-03-08T02:30', 'America/New_York')).toBe(false)
  expect(exists('2026-11-01T01:30', 'America/New_York')).toBe(true)
  expect(utc('2026-11-01T01:30', 'America/New_York')).toBe('2026-11-01T05:30:00.000Z')
  expect(utc('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z')
})

test('British Columbia stays seven hours behind from the first of November 2026 on', () => {
  expect(utc('2026-10-31T12:00', 'America/Vancouver')).toBe('2026-10-31T19:00:00.000Z')
  expect(utc('2026-12-01T13:00', 'America/Vancouver')).toBe('2026-12-01T20:00:00.000Z')
  expect(localOf(Date.parse('2026-12-01T20:00:00Z'), 'America/Vancouver')).toBe('2026-12-01T13:00')
})

test('Temporal and Node read the zones from one database, whose version is known', () => {
  const noon = Date.parse('2026-12-01T20:00:00Z')
  const zones = Intl.supportedValuesOf('timeZone')
  for (const zone of zones.filter((_, n) => n % 7 === 0)) {
    const shown = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'short',
    })
    expect(localOf(noon, zone)).toBe(shown.format(noon).replace(' ', 'T'))
  }
  expect(zoneDataVersion(process.versions)).toMatch(/^20\d\d[a-z]$/)
  expect(zoneDataVersion({})).toBe('unknown')
})

test('a zone has a name; an offset, a path or nonsense is none', () => {
  for (const zone of ['Europe/Berlin', 'UTC', 'America/Argentina/Ushuaia', 'Etc/GMT+5'])
    expect(isZone(zone)).toBe(true)
  for (const zone of ['+02:00', '', 'Mars/Olympus', '../etc/passwd', 'Europe/Berlin[u-ca=roc]'])
    expect(isZone(zone)).toBe(false)
})

test('days and times are those that a calendar and a clock have', () => {
  expect(isLocalDate('2028-02-29')).toBe(true)
  expect(isLocalDate('2026-02-29')).toBe(false)
  expect(isLocalTime('2026-02-28T24:00')).toBe(false)
  expect(isLocalTime('2026-02-28T23:59')).toBe(true)
  expect(isLocalTime('2026-02-28T23:59Z')).toBe(false)
  expect(weekdayOf('2026-11-01')).toBe(7)
  expect(daysLater('2026-12-31', 1)).toBe('2027-01-01')
  expect(minutesLater('2026-12-31T23:50', 20)).toBe('2027-01-01T00:10')
})

test('what a clock shows at the instant it shows a time is that time, wherever it exists', () => {
  const zone = fc.constantFrom('Europe/Berlin', 'America/Vancouver', 'Asia/Kathmandu', 'UTC')
  const minutes = fc.integer({ min: 0, max: 525_600 })
  fc.assert(
    fc.property(zone, minutes, (name, later) => {
      const local = minutesLater('2026-01-01T00:00', later)
      if (exists(local, name)) expect(localOf(instantOf(local, name), name)).toBe(local)
      const day = dateOf(instantOf(local, name), name)
      expect(startOfDay(day, name)).toBeLessThanOrEqual(instantOf(local, name))
    }),
    { numRuns: 2_000 },
  )
})
