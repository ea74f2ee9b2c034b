import { describe, expect, test } from 'vitest'
import { SCENARIOS } from './token-simulator/scenarios.ts'
import { mutated } from './simulator/mutate.ts'
import { readMutants } from './token-simulator/mutants.ts'
import { runSeed, shrink } from './token-simulator/one-seed.ts'
import { namesOf, neverMet, readBaseline, sample, unnoticed } from './token-simulator/series.ts'

const SAMPLE = 250
/** Half a minute of work for two cores, which may be shared. */
const PATIENT_MS = 600_000
const mutants = readMutants()
const baseline = readBaseline()

test('one seed of the ledger is one run, down to the last step', async () => {
  const first = await runSeed(3, { isTold: true })
  const again = await runSeed(3, { isTold: true })
  expect(first.trace.length).toBeGreaterThan(300)
  expect(again).toEqual(first)
})

test('a seed with real signatures is one run as well', async () => {
  const first = await runSeed(7, { isTold: true })
  expect(first.breach).toBeUndefined()
  expect(await runSeed(7, { isTold: true })).toEqual(first)
})

test(
  'through every fault of a sample of seeds no rule is broken, and every scenario is met',
  { timeout: PATIENT_MS },
  async () => {
    const { failed, met } = await sample(SAMPLE)
    expect(failed).toEqual([])
    expect(neverMet(met)).toEqual([])
  },
)

test('a seed that fails is told in fewer events', { timeout: PATIENT_MS }, async () => {
  const control = 'too-many-liars'
  const whole = await runSeed(1, { control })
  const small = await shrink(1, { control })
  expect(small.breach).toBeDefined()
  expect(small.without.length).toBeGreaterThan(5)
  expect(small.events).toBeLessThanOrEqual(whole.events)
})

describe('the scenarios that the ledger was designed against', () => {
  test('are all there, each with where it is shown', () => {
    const numbers = SCENARIOS.map(([number]) => number)
    expect(numbers).toEqual(Array.from({ length: 42 }, (_, at) => at + 1))
  })

  test('are shown by seeds, but for those that must fail', () => {
    const others = SCENARIOS.filter(([, shown]) => shown !== 'seeds')
    expect(others.map(([number, shown]) => `${number} ${shown}`)).toEqual([
      '3 control',
      '42 mutant',
    ])
    expect(baseline['too-many-liars']).not.toBeNull()
    for (const name of ['quorum-2f', 'credit-twice', 'lock-final-across-epochs']) {
      expect(baseline[name]).not.toBeNull()
    }
  })
})

describe('a check taken out of the ledger', () => {
  test.each(mutants)('$id still has its one place in $file', (mutant) => {
    expect(mutated(mutant)).toContain(mutant.replace)
  })

  test('was noticed, each', () => {
    expect(Object.keys(baseline)).toEqual(namesOf())
    expect(Object.entries(baseline).filter(([, seed]) => seed === null)).toEqual([])
  })

  test(
    'is noticed again, by seeds that the whole source passes',
    { timeout: PATIENT_MS },
    async () => {
      expect(await unnoticed(SAMPLE)).toEqual([])
    },
  )
})
