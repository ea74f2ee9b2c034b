import { expect, test } from 'vitest'
import { garbageHour } from './garbage.ts'

test('a host that sends nothing but garbage delays no other, and is hung up on', async () => {
  const { stretches, banned } = await garbageHour({ seed: 1, minutes: 6, foul: true })
  const heard = stretches.reduce((sum, { garbage }) => sum + garbage, 0)
  expect(heard).toBeGreaterThan(100)
  expect(heard).toBeLessThan(1_000)
  expect(stretches.flatMap(({ lags }) => lags).filter((lag) => lag > 5)).toEqual([])
  expect(banned).toBeNull()
})
