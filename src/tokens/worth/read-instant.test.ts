import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readInstant } from './read-instant.ts'

test('every instant in UTC reads as itself, in any zone', () => {
  const dates = fc.date({
    noInvalidDate: true,
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9998-12-30T00:00:00Z'),
  })
  fc.assert(
    fc.property(dates, fc.integer({ min: -1_439, max: 1_439 }), (date, ahead) => {
      expect(readInstant(date.toISOString())).toBe(date.getTime())
      const there = new Date(date.getTime() + ahead * 60_000).toISOString().slice(0, -1)
      const size = Math.abs(ahead)
      const [h, m] = [Math.trunc(size / 60), size % 60].map((one) => `${one}`.padStart(2, '0'))
      expect(readInstant(`${there}${ahead < 0 ? '-' : '+'}${h}:${m}`)).toBe(date.getTime())
    }),
  )
})

test('parts of a second are optional, and cut at milliseconds', () => {
  const noon = Date.UTC(2026, 10, 28, 12)
  expect(readInstant('2026-11-28T12:00:00Z')).toBe(noon)
  expect(readInstant('2026-11-28T12:00:00.5Z')).toBe(noon + 500)
  expect(readInstant('2026-11-28T12:00:00.123999Z')).toBe(noon + 123)
})

test.each([
  '2026-11-28T12:00:00',
  '2026-11-28',
  '2026-02-30T12:00:00Z',
  '2026-13-01T12:00:00Z',
  '2026-04-31T12:00:00Z',
  '2026-04-00T12:00:00Z',
  '2026-12-99T12:00:00Z',
  '2026-00-01T12:00:00Z',
  '2026-11-28T24:00:00Z',
  '2026-11-28T12:60:00Z',
  '2026-11-28T12:00:60Z',
  '2026-11-28T12:00:00+24:00',
  '2026-11-28T12:00:00+01:60',
  ' 2026-11-28T12:00:00Z',
  'soon',
  '',
])('%j is no instant', (text) => {
  expect(readInstant(text)).toBeUndefined()
})
