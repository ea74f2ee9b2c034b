import { expect, test } from 'vitest'
import { createTids, tidTime } from './tid.ts'

test('a TID tells the time it was made at', () => {
  const now = new Date('2026-11-23T12:34:56.789Z')
  expect(tidTime(createTids({ now: () => now })())).toEqual(now)
})

test('TIDs rise even when the clock stands still or steps back', () => {
  let ms = Date.parse('2026-11-23T12:00:00Z')
  const next = createTids({ now: () => new Date(ms) })
  const made = [next(), next()]
  ms -= 60_000
  made.push(next(), next())
  expect(made).toEqual(made.toSorted())
  expect(new Set(made).size).toBe(4)
})
