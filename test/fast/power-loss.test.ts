import { expect, test } from 'vitest'
import { powerLossRound } from './power-loss.ts'

test('no acknowledged write and no event is lost by a power cut or a crash', async () => {
  expect(await powerLossRound({ seed: 20_260_101, cuts: 4 })).toBeGreaterThan(100)
}, 120_000)
