import { expect, test } from 'vitest'
import { encodeFrame } from './fake-repo.ts'
import { createTown, note } from './town.ts'

const HOST = 'https://host.example.net'
const OTHER = 'https://other.example.net'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WHOLE = { upstreams: [HOST] }

test('a stop between a list and the repairs that it calls for leaves none undone', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: 24 * HOUR, graceMs: MINUTE } })
  const ada = await town.settle('ada', HOST, ['a'])
  const first = await town.start()
  await town.run(5 * MINUTE)
  await town.writeUnheard(ada, note('unheard'))
  town.transport.send(HOST, encodeFrame('#info', { name: 'OutdatedCursor' }))
  await town.run(30_000)
  const closed = first.close()
  await town.run(3_000)
  await closed
  await town.start()
  await town.run(5 * MINUTE)
  expect(town.shown(ada)).toEqual(['a', 'unheard'])
})

test('that events are missing is stored before anything that came after them', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: 24 * HOUR } })
  const ada = await town.settle('ada', HOST, ['a'])
  await town.start()
  await town.run(5 * MINUTE)
  const save = town.store.saveHost.bind(town.store)
  const gate = Promise.withResolvers<void>()
  town.store.saveHost = async (row) => {
    await gate.promise
    await save(row)
  }
  town.transport.send(HOST, encodeFrame('#info', { name: 'OutdatedCursor' }))
  await town.write(ada, note('after'))
  await town.run(MINUTE)
  expect(await town.store.cursorOf(HOST)).toBeUndefined()
  gate.resolve()
  await town.run(MINUTE)
  expect(await town.store.cursorOf(HOST)).toBe(1)
  expect(town.shown(ada)).toEqual(['a', 'after'])
})

test('what a stream has not told is found by asking, after the stream had its time', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: MINUTE } })
  const ada = await town.settle('ada', HOST, ['a'])
  await town.start()
  await town.run(2 * MINUTE)
  const fetched = town.asked.length
  await town.writeUnheard(ada, note('unheard'))
  const bob = await town.settle('bob', HOST, ['never-told'])
  await town.run(10 * MINUTE)
  expect(town.shown(ada)).toEqual(['a', 'unheard'])
  expect(town.shown(bob)).toEqual(['never-told'])
  expect(town.asked.length).toBe(fetched + 2)
  await town.run(HOUR)
  expect(town.asked.length).toBe(fetched + 2)
})

test('a status that was missed is corrected, in either direction', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: MINUTE } })
  const ada = await town.settle('ada', HOST, ['a'])
  await town.start()
  await town.run(2 * MINUTE)
  for (const [status, shown] of [
    ['suspended', []],
    ['active', ['a']],
  ] as const) {
    ada.status = status
    town.publish(ada)
    await town.run(10 * MINUTE)
    expect(town.shown(ada)).toEqual(shown)
  }
})

test('an account that writes though it is told to be inactive has its status asked for', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: 24 * HOUR } })
  const ada = await town.settle('ada', HOST, ['a'])
  await town.start()
  await town.run(MINUTE)
  ada.status = 'deactivated'
  town.publish(ada)
  town.tellStatus(ada, HOST, 'deactivated')
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual([])
  // That it is active again is not told.
  ada.status = 'active'
  await town.write(ada, note('b'))
  await town.run(5 * MINUTE)
  expect(town.shown(ada)).toEqual(['a', 'b'])
})

test('what was written unheard before an account was active again is fetched', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: 24 * HOUR } })
  const ada = await town.settle('ada', HOST, ['a'])
  await town.start()
  await town.run(MINUTE)
  town.tellStatus(ada, HOST, 'suspended')
  await town.run(MINUTE)
  await town.writeUnheard(ada, note('b'))
  town.tellStatus(ada, HOST, 'active')
  await town.run(5 * MINUTE)
  expect(town.shown(ada)).toEqual(['a', 'b'])
})

test('a list without end is not read to its end, and repos are fetched before more are listed', async () => {
  const town = createTown({
    ...WHOLE,
    limits: { accountsPerHost: 50, unfetched: 10, sweepEveryMs: 24 * HOUR },
  })
  let pages = 0
  town.api.listRepos = async (service, cursor) => {
    if (service !== HOST) return { items: [] }
    pages += 1
    const items = Array.from({ length: 10 }, (_, n) => ({
      did: `did:plc:${String.fromCharCode(97 + n).repeat(8)}${cursor ?? 'a'.repeat(16)}`,
      rev: '3lw4qc3hq7c2z',
      active: true,
    }))
    return { items, cursor: String.fromCharCode(97 + pages).repeat(16) }
  }
  await town.start()
  await town.run(10_000)
  expect(pages).toBe(1)
  await town.run(2 * HOUR)
  expect(pages).toBe(5)
})

test('an account whose move was stored just before a stop is heard at its new host', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: 24 * HOUR } })
  const ada = await town.settle('ada', HOST, ['a'])
  const first = await town.start()
  await town.run(MINUTE)
  const closed = first.close()
  await town.run(3_000)
  await closed
  ada.pds = OTHER
  town.publish(ada)
  await town.store.desynchronize([ada.did], 'Moved')
  await town.store.claim({ limit: 1, now: town.timers.now() })
  await town.store.unclaim(ada.did, OTHER)
  await town.start()
  await town.run(5 * MINUTE)
  await town.write(ada, note('b'))
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['a', 'b'])
})
