import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placesOf, promoted, statsOf } from './event-places.ts'

test('figures of an event count places, and who does not come only when it is over', () => {
  const answers = [
    { status: 'going', seats: 2 },
    { status: 'checked_in', seats: 3 },
    { status: 'no_show', seats: 1 },
    { status: 'maybe', seats: 3 },
    { status: 'declined', seats: 4 },
    { status: 'waitlisted', seats: 5 },
  ]
  expect(statsOf(answers, { isOver: false })).toEqual({
    going: 6,
    maybe: 3,
    declined: 1,
    expectedAttendees: 8,
    actualAttendees: 3,
    noShows: undefined,
    waitlistSize: 5,
  })
  expect(statsOf(answers, { isOver: true, expected: 40 })).toMatchObject({
    expectedAttendees: 40,
    noShows: 3,
  })
  expect(placesOf({ status: 'maybe', seats: 3 })).toBe(0)
  expect(placesOf(undefined)).toBe(0)
})

test('who waits is let in in order, never more than there are places, and nobody is passed by', () => {
  const queue = fc.array(fc.record({ seats: fc.integer({ min: 1, max: 5 }) }), { maxLength: 9 })
  fc.assert(
    fc.property(queue, fc.integer({ min: 0, max: 20 }), (waiting, free) => {
      const lucky = promoted(waiting, free)
      expect(lucky).toEqual(waiting.slice(0, lucky.length))
      const taken = lucky.reduce((sum, { seats }) => sum + seats, 0)
      expect(taken).toBeLessThanOrEqual(free)
      const next = waiting[lucky.length]
      if (next) expect(taken + next.seats).toBeGreaterThan(free)
    }),
    { numRuns: 2_000 },
  )
})
