import { describe, expect, test } from 'vitest'
import { mutated, readMutants } from './simulator/mutate.ts'
import { differences, readBaseline, unnoticed } from './simulator/series.ts'
import { simulate } from './simulator/simulate.ts'

const SAMPLE = 40
/** A minute of work for two cores, which may be shared. */
const PATIENT_MS = 600_000
const mutants = readMutants()
const baseline = readBaseline()

test('one seed is one run, down to the last step', async () => {
  const first = await simulate(7)
  const again = await simulate(7)
  expect(first.log.length).toBeGreaterThan(200)
  expect(again).toEqual(first)
})

test(
  'through every fault of a sample of seeds, what is shown ends up as what is true',
  { timeout: PATIENT_MS },
  async () => {
    const jobs = Array.from({ length: SAMPLE }, (_, n) => ({ seed: n + 1 }))
    expect(await differences(jobs)).toEqual([])
  },
)

describe('a check taken out of the source', () => {
  test.each(mutants)('$id still has its one place in $file', (mutant) => {
    expect(mutated(mutant)).toContain(mutant.replace)
  })

  test('was noticed, each but a few', () => {
    expect(Object.keys(baseline)).toEqual(mutants.map(({ id }) => id))
    expect(Object.values(baseline).filter((seed) => seed === null).length).toBeLessThanOrEqual(4)
  })

  test(
    'is noticed again, by seeds that the whole source passes',
    { timeout: PATIENT_MS },
    async () => {
      expect(await unnoticed(SAMPLE)).toEqual([])
    },
  )
})
