import { getHeapSpaceStatistics } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { type Answers, type Batch } from '../../src/firehose/verify-batch.ts'

const ROUNDS = 1_000
const KEPT = 60

// A verifying thread that makes objects of which many outlive a collection, and answers with the
// bytes that its space for new objects has come to.
parentPort?.on('message', ({ id, frames, accounts }: Batch) => {
  const kept: number[][][] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    kept[round % KEPT] = Array.from({ length: 500 }, (_, n) => [n, round, n])
  }
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  const verdicts = accounts.map(() => ({ ok: 'broken', error: space?.space_size }) as const)
  parentPort?.postMessage({ id, frames, verdicts } satisfies Answers, [frames])
})
