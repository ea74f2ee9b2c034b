import { parentPort } from 'node:worker_threads'

// A thread that dies over whatever it is given.
parentPort?.on('message', () => {
  throw new Error('out of order')
})
