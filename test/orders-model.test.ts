import { test } from 'vitest'
import { checkMoney } from './commerce/money-properties.ts'
import { runSequences, runThroughPostgres } from './commerce/series.ts'

const SAMPLE = 1_000
const SAMPLE_ON_POSTGRES = 8

test(
  'orders, payments, refunds and stock go as who only counts expects, whatever happens in which order',
  { timeout: 120_000 },
  () => runSequences({ seed: 1, runs: SAMPLE }),
)

test(
  'the money of any order adds up at each step, and leaves nothing when all of it is back',
  { timeout: 120_000 },
  () => checkMoney({ seed: 1, runs: SAMPLE }),
)

test('the same holds of a shop on Postgres, driven by its methods', { timeout: 280_000 }, () =>
  runThroughPostgres({ seed: 1, runs: SAMPLE_ON_POSTGRES }),
)
