import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markRead } from '../src/appview/read-markers.ts'
import { NOW, appViewDatabase } from './appview-database.ts'

const DID = 'did:plc:ada'
const stream = { space: 'did:plc:club', channel: '', thread: '' }

test('a marker ends at the newest place, in whatever order and however often it is moved', async () => {
  const { pool } = await appViewDatabase()
  const place = fc.record({
    sentAt: fc.integer({ min: 0, max: 5 }),
    uri: fc.constantFrom('a', 'b', 'c'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 8 }), async (places) => {
      await pool.query('truncate node."readMarker"')
      const keys = places.map(({ sentAt, uri }) => `${sentAt}${uri}`)
      for (const [n, { sentAt, uri }] of places.entries()) {
        const upTo = { sentAt: new Date(NOW.getTime() + sentAt), uri }
        const marker = await markRead(pool, { did: DID, stream, upTo, now: NOW })
        expect(marker.uri).toBe(
          keys
            .slice(0, n + 1)
            .toSorted()
            .at(-1)!
            .slice(1),
        )
      }
    }),
    { numRuns: 40 },
  )
})

test('each person has markers of their own, in each channel and each thread', async () => {
  const { pool } = await appViewDatabase()
  await pool.query('truncate node."readMarker"')
  const upTo = { sentAt: NOW, uri: 'a' }
  for (const did of [DID, 'did:plc:ben'])
    for (const more of [{}, { channel: 'c' }, { channel: 'c', thread: 't' }, { space: 'other' }])
      await markRead(pool, { did, stream: { ...stream, ...more }, upTo, now: NOW })
  const { rows } = await pool.query('select 1 from node."readMarker"')
  expect(rows).toHaveLength(8)
})
