import { expect, test } from 'vitest'
import { Busy, createGate } from './gate.ts'

test('no more jobs run at once than allowed, and a full queue turns others away', async () => {
  const gate = createGate({ running: 2, waiting: 1 })
  let running = 0
  let most = 0
  const ends: (() => void)[] = []
  const job = async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => ends.push(resolve))
    running -= 1
  }
  const jobs = [gate(job), gate(job), gate(job)]
  await expect(gate(job)).rejects.toThrow(Busy)
  while (ends.length > 0) {
    ends.shift()!()
    await new Promise(setImmediate)
  }
  await Promise.all(jobs)
  expect(most).toBe(2)
})

test('a job that fails gives its place to the next', async () => {
  const gate = createGate({ running: 1, waiting: 1 })
  const failing = gate(() => Promise.reject(new Error('broken')))
  const next = gate(() => Promise.resolve('done'))
  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe('done')
  expect(await gate(() => Promise.resolve('again'))).toBe('again')
})
