import { expect, test } from 'vitest'
import { createCensus } from './census.ts'

/** A database that counts for `tookMs` by the clock below, and how often it was asked. */
function database(tookMs: number) {
  const at = { now: 0, asked: 0, away: false }
  const sql = {
    query: async <R extends object>(text: string) => {
      at.asked += 1
      if (at.away) throw new Error('away')
      if (text.includes('state')) at.now += tookMs
      const name = text.includes('state') ? 'synchronized' : 'NothingSaid'
      return { rows: [{ name, number: '3' }] as unknown as R[] }
    },
  }
  return { at, census: createCensus(sql, () => at.now) }
}

test('repos and records are counted by name', async () => {
  expect(await database(1).census()).toEqual({
    repos: { synchronized: 3 },
    quarantined: { NothingSaid: 3 },
  })
})

test('however often somebody asks, Postgres counts once in five seconds', async () => {
  const { at, census } = database(10)
  await Promise.all([census(), census(), census()])
  at.now += 4_900
  await census()
  expect(at.asked).toBe(2)
  at.now += 200
  await census()
  expect(at.asked).toBe(4)
})

test('counting takes at most a twentieth of the time, however large the tables are', async () => {
  const { at, census } = database(3_000)
  await census()
  at.now += 59_000
  await census()
  expect(at.asked).toBe(2)
  at.now += 1_100
  await census()
  expect(at.asked).toBe(4)
})

test('nothing is made up while the database is away', async () => {
  const { at, census } = database(1)
  at.away = true
  expect(await census()).toBeUndefined()
  at.away = false
  expect(await census()).toBeDefined()
})
