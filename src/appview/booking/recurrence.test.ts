import fc from 'fast-check'
import { expect, test } from 'vitest'
import { localOf } from './local-time.ts'
import {
  INSTANCES_MAX,
  type Recurrence,
  expand,
  moved,
  readableRecurrence,
  readableRule,
  ruleOf,
  splitAt,
} from './recurrence.ts'

const NEW_YORK = 'America/New_York'
const series = (localStart: string, rrule: string, more: Partial<Recurrence> = {}): Recurrence => ({
  localStart,
  timezone: NEW_YORK,
  rrule,
  ...more,
})
/** Month, day, time and the offset in hours. */
const shown = (r: Recurrence) =>
  expand(r).instances.map(({ start }) => {
    const local = localOf(start, r.timezone)
    return `${local.slice(5)} ${(Date.parse(`${local}Z`) - start) / 3_600_000}`
  })

test('a daily series keeps to the wall clock when summer time ends', () => {
  expect(shown(series('2026-10-30T09:00', 'FREQ=DAILY;COUNT=4'))).toEqual([
    '10-30T09:00 -4',
    '10-31T09:00 -4',
    '11-01T09:00 -5',
    '11-02T09:00 -5',
  ])
})

test('an instance whose time does not exist is skipped, and the number asked for is still reached', () => {
  expect(shown(series('2026-03-06T02:30', 'FREQ=DAILY;COUNT=4'))).toEqual([
    '03-06T02:30 -5',
    '03-07T02:30 -5',
    '03-09T02:30 -4',
    '03-10T02:30 -4',
  ])
})

test('a first instance in the gap is an hour later, and those after it are when they should be', () => {
  expect(shown(series('2026-03-08T02:30', 'FREQ=DAILY;COUNT=3'))).toEqual([
    '03-08T03:30 -4',
    '03-09T02:30 -4',
    '03-10T02:30 -4',
  ])
})

test('of a time that comes twice the first counts', () => {
  expect(shown(series('2026-10-30T01:30', 'FREQ=DAILY;COUNT=4'))).toEqual([
    '10-30T01:30 -4',
    '10-31T01:30 -4',
    '11-01T01:30 -4',
    '11-02T01:30 -5',
  ])
})

test('monthly on the 31st skips short months, or takes their last day when asked to', () => {
  const days = (rule: string) =>
    shown(series('2026-01-31T09:00', rule)).map((line) => line.slice(0, 5))
  expect(days('FREQ=MONTHLY;COUNT=4')).toEqual(['01-31', '03-31', '05-31', '07-31'])
  expect(days('RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4')).toEqual([
    '01-31',
    '02-28',
    '03-31',
    '04-30',
  ])
})

test('British Columbia does not change its clocks in November 2026', () => {
  const weekly = series('2026-10-30T09:00', 'FREQ=WEEKLY;COUNT=3', {
    timezone: 'America/Vancouver',
  })
  expect(shown(weekly)).toEqual(['10-30T09:00 -7', '11-06T09:00 -7', '11-13T09:00 -7'])
})

test('an end is in UTC, dates are left out and added by the wall clock', () => {
  const until = series('2026-10-30T09:00', 'FREQ=DAILY;UNTIL=20261101T140000Z')
  expect(shown(until)).toHaveLength(3)
  expect(shown({ ...until, rrule: 'FREQ=DAILY;UNTIL=20261101T135959Z' })).toHaveLength(2)
  const more = { exDates: ['2026-10-31T09:00'], rDates: ['2026-11-05T18:00', '2026-10-30T09:00'] }
  expect(shown({ ...until, ...more })).toEqual([
    '10-30T09:00 -4',
    '11-01T09:00 -5',
    '11-05T18:00 -5',
  ])
})

test('the short form means a rule', () => {
  const endDate = Date.parse('2026-12-01T00:00:00Z')
  expect(ruleOf({ type: 'weekly', interval: 2, endDate })).toBe(
    'FREQ=WEEKLY;INTERVAL=2;UNTIL=20261201T000000Z',
  )
  expect(ruleOf({ type: 'daily' })).toBe('FREQ=DAILY;INTERVAL=1')
  expect(readableRule(ruleOf({ type: 'monthly', endDate }))).toBe(true)
})

test('a series ends after 730 instances or two years, and says so', () => {
  const daily = expand(series('2026-01-01T09:00', 'FREQ=DAILY'))
  expect([daily.instances.length, daily.capped]).toEqual([INSTANCES_MAX, true])
  const weekly = expand(series('2026-01-01T09:00', 'FREQ=WEEKLY;COUNT=500'))
  expect([weekly.instances.length, weekly.capped]).toEqual([105, true])
  expect(expand(series('2026-01-01T09:00', 'FREQ=WEEKLY;COUNT=50')).capped).toBe(false)
  const never = expand(series('2026-01-01T09:00', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31'))
  expect(never.instances.length).toBeLessThanOrEqual(1)
})

test('rules that mean nothing here are told from rules', () => {
  const good = ['FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=DAILY;COUNT=9']
  const bad = [
    'FREQ=HOURLY',
    'COUNT=3',
    'FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z',
    'FREQ=DAILY;FREQ=WEEKLY',
    'FREQ=DAILY;INTERVAL=0',
    'FREQ=DAILY;UNTIL=20270101',
    'FREQ=DAILY;BYHOUR=9,10',
    'FREQ=DAILY;SKIP=BACKWARD',
    'FREQ=DAILY\nRRULE:FREQ=SECONDLY',
    'hello',
    '',
  ]
  expect(good.map(readableRule)).toEqual(good.map(() => true))
  expect(bad.map(readableRule)).toEqual(bad.map(() => false))
  expect(readableRecurrence(series('2026-02-30T09:00', 'FREQ=DAILY'))).toBe(false)
  expect(readableRecurrence(series('2026-02-03T09:00', 'FREQ=DAILY', { timezone: '+01:00' }))).toBe(
    false,
  )
})

test('this and following are a series of their own, and together they are what was there', () => {
  const whole = series('2026-10-26T09:00', 'FREQ=WEEKLY;COUNT=6', { exDates: ['2026-11-23T09:00'] })
  const [before, after] = splitAt(whole, '2026-11-09T09:00')!
  expect(before.rrule).toBe('FREQ=WEEKLY;UNTIL=20261109T135959Z')
  expect(after.rrule).toBe('FREQ=WEEKLY;COUNT=4')
  expect([...shown(before), ...shown(after)]).toEqual(shown(whole))
  expect(splitAt(whole, '2026-10-26T09:00')).toBeUndefined()
  expect(splitAt(whole, '2026-11-10T09:00')).toBeUndefined()
  const ends = series('2026-01-31T09:00', 'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4')
  const [, rest] = splitAt(ends, '2026-02-28T09:00')!
  expect(shown(rest)).toEqual(shown(ends).slice(1))
  const later = moved(after, '2026-11-09T14:00')!
  expect(shown(later)).toEqual(['11-09T14:00 -5', '11-16T14:00 -5', '11-30T14:00 -5'])
})

test('a series that is moved takes its days of the week, its end and what is left out along', () => {
  const rule = 'FREQ=WEEKLY;BYDAY=SU,MO;UNTIL=20261116T140000Z'
  const exDates = ['2026-11-09T09:00']
  const whole = series('2026-11-02T09:00', rule, { exDates })
  expect(shown(whole).map((line) => line.slice(0, 5))).toEqual(['11-02', '11-08', '11-15', '11-16'])
  const later = moved(whole, '2026-11-03T10:30')!
  expect(later.rrule).toBe('FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20261117T153000Z')
  expect(shown(later).map((line) => line.slice(0, 11))).toEqual([
    '11-03T10:30',
    '11-09T10:30',
    '11-16T10:30',
    '11-17T10:30',
  ])
  const monthly = series('2026-11-02T09:00', 'FREQ=MONTHLY;BYDAY=1MO')
  expect(moved(monthly, '2026-11-03T09:00')).toBeUndefined()
  expect(moved(monthly, '2026-11-02T10:00')?.localStart).toBe('2026-11-02T10:00')
})

const rules = fc.record({
  freq: fc.constantFrom('DAILY', 'WEEKLY', 'MONTHLY'),
  interval: fc.integer({ min: 1, max: 4 }),
  count: fc.integer({ min: 1, max: 40 }),
  hour: fc.constantFrom('01:30', '02:30', '09:00'),
  gone: fc.integer({ min: 0, max: 39 }),
  at: fc.integer({ min: 1, max: 39 }),
})

test('wherever a series is split, nothing is lost, doubled or moved', () => {
  fc.assert(
    fc.property(rules, ({ freq, interval, count, hour, gone, at }) => {
      const rule = `FREQ=${freq};INTERVAL=${interval};COUNT=${count}`
      const plain = series(`2026-02-27T${hour}`, rule)
      const exDates = expand(plain)
        .instances.slice(gone, gone + 1)
        .map((i) => i.localStart)
      const whole = { ...plain, exDates }
      const { instances, capped } = expand(whole)
      for (const [n, one] of instances.entries())
        expect(n === 0 || one.start > instances[n - 1]!.start).toBe(true)
      const place = instances[at]
      if (!place || capped) return
      const [before, after] = splitAt(whole, place.localStart)!
      expect([...expand(before).instances, ...expand(after).instances]).toEqual(instances)
    }),
    { numRuns: 300 },
  )
})
