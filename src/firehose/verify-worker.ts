import { parentPort } from 'node:worker_threads'
import { type Batch, verifyBatch } from './verify-batch.ts'

// The whole of a verifying thread: batches in, answers out, and the memory of the frames with them.
parentPort?.on('message', (batch: Batch) => {
  const answers = verifyBatch(batch)
  parentPort?.postMessage(answers, [answers.frames])
})
