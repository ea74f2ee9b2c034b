import { expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { namedIn } from '../src/appview/named.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import { systemClock } from '../src/clock.ts'
import { appViewDatabase } from './appview-database.ts'
import { createTown } from './firehose/town.ts'
import { exampleWrite } from './record.ts'

test('accounts that rows of any collection name are strangers until they are known', async () => {
  const db = await appViewDatabase()
  for (const c of collections)
    for (const [n, example] of c.examples.good.entries())
      await db.write(await exampleWrite(c, example, n + 2))
  const store = createSyncStore({ pool: db.pool, indexer: db.indexer, clock: systemClock })
  const rows = await Promise.all(
    collections.map(async (c) => (await db.rows(c)).flatMap((row) => namedIn(c, row))),
  )
  const named = [...new Set(rows.flat())].toSorted()
  expect(named).toEqual(expect.arrayContaining(['did:plc:ada', 'did:plc:ben', 'did:plc:garage']))
  expect(await store.strangers('', 100)).toEqual(named)
  expect(await store.strangers('', 2)).toEqual(named.slice(0, 2))
  expect(await store.strangers(named[1]!, 100)).toEqual(named.slice(2))
  await store.follow({ did: 'did:plc:ben', pds: 'https://host.example.net' })
  expect(await store.strangers('', 100)).toEqual(named.filter((did) => did !== 'did:plc:ben'))
})

test('who was named before a stop, and not followed by then, is followed after it', async () => {
  const town = createTown()
  const ada = await town.settle('ada', 'https://host.example.net', ['a'])
  town.store.strangers = async () => [ada.did]
  await town.start()
  await town.run(60_000)
  expect(town.shown(ada)).toEqual(['a'])
  expect(town.accountOf(ada)?.followed).toBe(true)
})
