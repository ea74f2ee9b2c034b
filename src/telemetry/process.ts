import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Observers } from './observers.ts'

/** How often the event loop is asked whether it is late. */
const RESOLUTION_MS = 20
const NS = 1_000_000_000
const QUANTILES = ['0.5', '0.99', '1'] as const

/** Observes this process: processor time, memory, and how late its event loop is. What is about
 *  the time between two scrapes begins anew with each. */
export function observeProcess({ observe }: Observers): Disposable {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  // The wait that was asked for is part of what is measured.
  const late = (ns: number) => Math.max(0, ns / NS - RESOLUTION_MS / 1_000)
  observe('event.loop.delay', () => {
    const samples = QUANTILES.map((quantile) => ({
      labels: { quantile },
      value: delay.count === 0 ? 0 : late(delay.percentile(Number(quantile) * 100)),
    }))
    delay.reset()
    return samples
  })
  let before: EventLoopUtilization = performance.eventLoopUtilization()
  observe('event.loop.utilization', () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return [{ labels: {}, value: utilization }]
  })
  observe('process.cpu', () => {
    const { user, system } = process.cpuUsage()
    return [{ labels: {}, value: (user + system) / 1_000_000 }]
  })
  observe('process.resident.memory', () => [{ labels: {}, value: process.memoryUsage.rss() }])
  observe('process.heap', () => {
    const { heapUsed: used, heapTotal: total, external } = process.memoryUsage()
    return Object.entries({ used, total, external }).map(([part, value]) => ({
      labels: { part: part as 'used' | 'total' | 'external' },
      value,
    }))
  })
  return { [Symbol.dispose]: () => void delay.disable() }
}
