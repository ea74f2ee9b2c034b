import { expect, test } from 'vitest'
import type { Timers } from '../clock.ts'
import { silentLog } from '../log.ts'
import type { CallOutcome } from './call-service.ts'
import { type Parcel, type Queue, startDelivery } from './deliver.ts'

const HOUR = 3_600_000

/** Time that passes when somebody sleeps, without anybody waiting. */
function createTime(): Timers {
  let now = Date.UTC(2026, 9, 1)
  return {
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (!signal?.aborted) now += ms
    },
    breathe: async () => {},
    random: () => 0.5,
  }
}

type Letter = Parcel & { text: string; nextAt: Date }

/** A queue of one letter, and when it was sent. */
function createQueue(timers: Timers, answer: (attempt: number) => CallOutcome) {
  const start = timers.now().getTime()
  const until = new Date(start + 24 * HOUR)
  let letter: Letter | undefined = { text: 'a', attempts: 0, until, nextAt: timers.now() }
  const sent: number[] = []
  const queue: Queue<Letter> = {
    name: 'letters',
    claim: async (now, at) => {
      if (!letter || letter.nextAt > now) return []
      letter = { ...letter, attempts: letter.attempts + 1, nextAt: at }
      return [letter]
    },
    send: async ({ attempts }) => {
      sent.push(timers.now().getTime() - start)
      return answer(attempts)
    },
    done: async () => void (letter = undefined),
    later: async (parcel, nextAt) => void (letter = { ...parcel, nextAt }),
    nextAt: async () => letter?.nextAt,
  }
  return { queue, sent, left: () => letter }
}

test('a notice that does not get through is sent again, later and later', async () => {
  const timers = createTime()
  const answer = (n: number): CallOutcome =>
    n < 6 ? { kind: 'later', reason: '503' } : { kind: 'done', body: undefined }
  const { queue, sent, left } = createQueue(timers, answer)
  await using worker = startDelivery(queue, { timers, log: silentLog })
  worker.wake()
  await expect.poll(left).toBeUndefined()
  const waits = sent.slice(1).map((at, n) => at - sent[n]!)
  expect(sent).toHaveLength(6)
  waits.slice(1).forEach((wait, n) => expect(wait).toBeGreaterThan(waits[n]!))
})

test('after a day a notice is given up, and so is one that is refused', async () => {
  const timers = createTime()
  const never = createQueue(timers, () => ({ kind: 'later', reason: '503' }))
  await using first = startDelivery(never.queue, { timers, log: silentLog })
  first.wake()
  await expect.poll(never.left).toBeUndefined()
  expect(never.sent.at(-1)).toBeLessThan(24 * HOUR)
  expect(never.sent.length).toBeGreaterThan(20)
  const refused = createQueue(timers, () => ({ kind: 'refused', reason: '403' }))
  await using second = startDelivery(refused.queue, { timers, log: silentLog })
  second.wake()
  await expect.poll(refused.left).toBeUndefined()
  expect(refused.sent).toHaveLength(1)
})

test('a notice that a killed process had taken is taken up again, and a bug costs a try', async () => {
  const timers = createTime()
  const { queue, left, sent } = createQueue(timers, (attempt) => {
    if (attempt === 2) throw new Error('a bug')
    return { kind: 'done', body: undefined }
  })
  await queue.claim(timers.now(), new Date(timers.now().getTime() + 60_000))
  await using worker = startDelivery(queue, { timers, log: silentLog })
  worker.wake()
  await expect.poll(left).toBeUndefined()
  expect(sent[0]).toBeGreaterThanOrEqual(60_000)
  expect(sent).toHaveLength(2)
})
