import { expect, test } from 'vitest'
import { timeOfTid } from './tid-time.ts'

test('the time of a TID counts microseconds in base 32 and leaves out who wrote it', () => {
  expect(timeOfTid('2222222222222')).toBe(0)
  expect(timeOfTid('22222222224zz')).toBe(0.002)
  expect(timeOfTid('2222222223222')).toBe(0.032)
  expect(timeOfTid('3222222222222')).toBe(32 ** 10 / 1000)
})
