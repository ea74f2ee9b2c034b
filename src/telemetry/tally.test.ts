import { expect, test } from 'vitest'
import { declarations, metricName } from '../events.ts'
import { createTally } from './tally.ts'

const host = 'https://pds.example'
let milliseconds = 0
const newTally = (seriesMax?: number) =>
  createTally({ now: () => milliseconds, ...(seriesMax && { seriesMax }) })

test('each set of labels is counted for itself', () => {
  const tally = newTally()
  tally.count('firehose.refused', { host, reason: 'BadCar' })
  tally.count('firehose.refused', { host, reason: 'BadCar' }, 2)
  tally.count('firehose.refused', { host, reason: 'BadTree' })
  tally.count('firehose.refused', { host: 'https://other.example', reason: 'BadTree' })
  expect(tally.read('firehose.refused').map(({ labels, sum }) => [labels, sum])).toEqual([
    [{ host, reason: 'BadCar' }, 3],
    [{ host, reason: 'BadTree' }, 1],
    [{ host: 'https://other.example', reason: 'BadTree' }, 1],
  ])
})

test('a value belongs to the first bucket that does not end below it', () => {
  const tally = newTally()
  for (const value of [0, 1, 2, 3, 2_000, 2_001]) tally.record('store.batch', {}, value)
  const [series] = tally.read('store.batch')
  const { bounds } = declarations['store.batch']
  const filled = series!.counts.flatMap((n, i) => (n > 0 ? [[bounds?.[i] ?? Infinity, n]] : []))
  expect(filled).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [5, 1],
    [2_000, 1],
    [Infinity, 1],
  ])
  expect(series!.sum).toBe(4_007)
})

test('a stopwatch records seconds, by the time it was handed', () => {
  const tally = newTally()
  const done = tally.time('firehose.verification', { kind: 'commit' })
  milliseconds += 250
  done()
  expect(tally.read('firehose.verification')).toMatchObject([{ sum: 0.25 }])
})

test('however many labels somebody makes up, the series of a name stay few', () => {
  const tally = newTally(10)
  for (let n = 0; n < 1_000; n++) tally.count('firehose.frames', { host: `https://${n}.example` })
  const series = tally.read('firehose.frames')
  expect(series).toHaveLength(11)
  expect(series.at(-1)).toMatchObject({ labels: { 'otel.metric.overflow': 'true' }, sum: 990 })
})

test('what has no labels is zero from the start, so that its first increase is seen', () => {
  expect(newTally().read('resync.started')).toMatchObject([{ sum: 0 }])
  expect(newTally().read('firehose.frames')).toEqual([])
  expect(newTally().read('event.loop.utilization')).toEqual([])
})

test('the compiler knows every name, its kind and its labels', () => {
  const tally = newTally()
  // @ts-expect-error there is no such name
  const unknownName = () => tally.count('firehose.refusd', { host, reason: 'BadCar' })
  // @ts-expect-error a label is missing
  const missing = () => tally.count('firehose.refused', { host })
  // @ts-expect-error there is no such label
  const made = () => tally.count('firehose.frames', { host, colour: 'red' })
  // @ts-expect-error there is no such reason
  const unknownReason = () => tally.count('firehose.refused', { host, reason: 'NotNice' })
  // @ts-expect-error a gauge is looked at, not counted
  const gauge = () => tally.count('firehose.queued', { host })
  // @ts-expect-error a counter has no buckets
  const counter = () => tally.record('firehose.frames', { host }, 1)
  expect([unknownName, missing, made, unknownReason, gauge, counter]).toHaveLength(6)
})

test('exported names end as Prometheus wants them, and no two are the same', () => {
  const names = Object.keys(declarations).map((name) => metricName(name as never))
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => !/^(angelos|process)(_[a-z]+)+$/.test(name))).toEqual([])
  expect(metricName('firehose.refused')).toBe('angelos_firehose_refused_total')
  expect(metricName('process.cpu')).toBe('process_cpu_seconds_total')
  expect(metricName('firehose.queued.size')).toBe('angelos_firehose_queued_size_bytes')
})
