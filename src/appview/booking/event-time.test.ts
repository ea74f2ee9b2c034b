import { expect, test } from 'vitest'
import { eventSpan, readableEvent } from './event-time.ts'
import { wire } from './local-time.ts'

const at = (more: object) => ({
  eventDate: '2026-10-31',
  timezone: 'America/New_York',
  ...more,
})
const span = (more: object) => {
  const { start, end } = eventSpan(at(more))
  return [wire(start), wire(end)].map((text) => text.slice(5, 16))
}

test('an event goes from one wall clock time to another, past midnight where it ends earlier', () => {
  expect(span({ startTime: '19:00', endTime: '22:00' })).toEqual(['10-31T23:00', '11-01T02:00'])
  expect(span({ startTime: '23:00', endTime: '03:00' })).toEqual(['11-01T03:00', '11-01T08:00'])
  expect(span({ startTime: '19:00' })).toEqual(['10-31T23:00', '11-01T01:00'])
})

test('without times it is all of its days, of which one may have 25 hours', () => {
  expect(span({})).toEqual(['10-31T04:00', '11-01T04:00'])
  expect(span({ endDate: '2026-11-01' })).toEqual(['10-31T04:00', '11-02T05:00'])
  expect(span({ startTime: '10:00', endDate: '2026-11-01', endTime: '16:00' })).toEqual([
    '10-31T14:00',
    '11-01T21:00',
  ])
})

test('times that cannot be meant are told from times', () => {
  expect(readableEvent(at({ startTime: '19:00', endTime: '01:00' }))).toBe(true)
  expect(readableEvent(at({ eventDate: '2026-02-30' }))).toBe(false)
  expect(readableEvent(at({ startTime: '24:00' }))).toBe(false)
  expect(readableEvent(at({ endTime: '24:00' }))).toBe(false)
  expect(readableEvent(at({ endTime: '10:00' }))).toBe(false)
  expect(readableEvent(at({ endDate: '2026-10-30' }))).toBe(false)
  expect(readableEvent(at({ timezone: 'Mars/Olympus' }))).toBe(false)
})
