import { expect, test } from 'vitest'
import { loadOf, togetherBp } from './utilisation.ts'

const hours = (start: number, end: number) => ({ start: start * 3_600_000, end: end * 3_600_000 })
const day = hours(0, 24)

test('what is booked is a part of the time it could be, in the time asked about', () => {
  const load = loadOf([hours(9, 17)], [hours(8, 10), hours(9, 11), hours(23, 30)], day)
  expect(load).toEqual({
    openMinutes: 480,
    bookedMinutes: 240,
    appointments: 3,
    utilisationBp: 5_000,
  })
  expect(togetherBp([load, loadOf([hours(9, 17)], [], day)])).toBe(2_500)
})

test('what was never there has no utilisation, not one of nothing', () => {
  expect(loadOf([], [], day).utilisationBp).toBeUndefined()
  expect(togetherBp([])).toBeUndefined()
  expect(loadOf([hours(9, 17)], [], day).utilisationBp).toBe(0)
})
