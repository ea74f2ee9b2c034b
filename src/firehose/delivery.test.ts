import { expect, test } from 'vitest'
import { systemTimers } from '../clock.ts'
import { silentLog } from '../log.ts'
import { Delivery } from './delivery.ts'
import type { Arrival } from './intake.ts'
import type { Batch } from './store.ts'

test('what came before the host began to count anew is told and moves no cursor', async () => {
  const end = new AbortController()
  const batches: Batch[] = []
  const delivery = new Delivery({
    host: 'https://pds.test',
    sink: async (batch) => void batches.push(batch),
    batch: 10,
    cursorOnlyMs: 1,
    retry: { firstMs: 1, maxMs: 1 },
    signal: end.signal,
    timers: systemTimers,
    log: silentLog,
    release: () => undefined,
  })
  const running = delivery.run()
  const [old, young] = [arrival(5041), arrival(7)]
  delivery.expect(old)
  await delivery.restart()
  delivery.settle(old, lost(5041))
  await expect.poll(() => batches.length).toBe(1)
  delivery.expect(young)
  delivery.settle(young, lost(7))
  await expect.poll(() => batches.length).toBe(2)
  expect(batches.map(({ events, cursor }) => [events[0]?.seq, cursor])).toEqual([
    [5041, undefined],
    [7, 7],
  ])
  end.abort()
  await running
})

function arrival(seq: number): Arrival {
  return { seq, era: 0, frame: new Uint8Array(), content: { kind: 'skipped' } }
}

function lost(seq: number) {
  return { kind: 'lost' as const, seq, did: 'did:web:a.test', reason: 'Late', time: '' }
}
