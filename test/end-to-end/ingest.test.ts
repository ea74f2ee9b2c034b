import { expect, test } from 'vitest'
import { ingestKills } from '../ingest/kills.ts'
import { ingestMemory } from '../ingest/memory.ts'

const report = (): void => undefined

test('a consumer killed at any moment takes up where it was, and shows what is true', async () => {
  const figures = await ingestKills({ seed: 1, from: 0, kills: 3, report })
  expect(figures.kills).toBe(3)
  expect(figures.frames).toBeGreaterThan(50)
  expect(figures.repos).toBeGreaterThan(20)
}, 180_000)

test('a host that has no end is read no faster than the database takes its commits', async () => {
  const { events, heap, paused, queued } = await ingestMemory({ events: 20_000, report })
  expect(events).toBe(20_000)
  expect(paused).toBeGreaterThan(1)
  expect(queued).toBeLessThan(4_500)
  expect(heap.end).toBeLessThan(heap.middle * 1.25)
}, 180_000)
