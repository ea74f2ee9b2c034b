import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Span, common, contains, overlaps, united, without } from './span.ts'

const span = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 9 }))
  .map(([start, length]): Span => ({ start, end: start + length }))
const spans = fc.array(span, { maxLength: 8 })
const instants = Array.from({ length: 40 }, (_, n) => n)

const covers = (list: readonly Span[], at: number) =>
  list.some(({ start, end }) => start <= at && at < end)

test('what ends when something begins does not touch it', () => {
  expect(overlaps({ start: 0, end: 5 }, { start: 5, end: 9 })).toBe(false)
  expect(overlaps({ start: 0, end: 6 }, { start: 5, end: 9 })).toBe(true)
  expect(overlaps({ start: 3, end: 3 }, { start: 0, end: 9 })).toBe(false)
  expect(contains({ start: 0, end: 5 }, { start: 0, end: 5 })).toBe(true)
  expect(contains({ start: 0, end: 5 }, { start: 1, end: 6 })).toBe(false)
})

test('two stretches overlap exactly when they share an instant', () => {
  fc.assert(
    fc.property(span, span, (a, b) => {
      expect(overlaps(a, b)).toBe(instants.some((at) => covers([a], at) && covers([b], at)))
    }),
    { numRuns: 4_000 },
  )
})

test('uniting, intersecting and taking away keep and lose the right instants', () => {
  fc.assert(
    fc.property(spans, spans, (a, b) => {
      const [whole, both, left] = [united(a), common(united(a), united(b)), without(a, b)]
      for (const at of instants) {
        expect(covers(whole, at)).toBe(covers(a, at))
        expect(covers(both, at)).toBe(covers(a, at) && covers(b, at))
        expect(covers(left, at)).toBe(covers(a, at) && !covers(b, at))
      }
      for (const list of [whole, both, left])
        for (const [n, { start, end }] of list.entries())
          expect(start < end && (n === 0 || list[n - 1]!.end <= start)).toBe(true)
    }),
    { numRuns: 4_000 },
  )
})
