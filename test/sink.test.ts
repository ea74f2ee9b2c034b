import { expect, test } from 'vitest'
import { createProgress } from '../src/appview/progress.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import type { CommitEvent } from '../src/firehose/event.ts'
import { NOW, appViewDatabase } from './appview-database.ts'
import { rev, writeOf } from './record.ts'

const HOST = 'https://node.example'
const did = 'did:plc:ada'
const clock = { now: () => NOW }

async function commit(n: number): Promise<CommitEvent> {
  const record = { $type: 'app.bsky.actor.profile', displayName: `Ada ${n}` }
  const at = { collection: 'co.kendev.actor.profile', did, rkey: 'self', rev: rev(n), record }
  const { cid, bytes } = await writeOf(at)
  const write = {
    action: 'create' as const,
    did,
    collection: at.collection,
    rkey: 'self',
    cid,
    bytes,
  }
  const time = NOW.toISOString()
  return {
    kind: 'commit',
    seq: n,
    did,
    rev: rev(n),
    since: null,
    prevData: null,
    data: 'tree',
    time,
    writes: [write],
  }
}

/** The pool, whose transactions tell each statement's text before it runs and after. */
function interfering(
  pool: SqlPool,
  before: (text: string) => void,
  after: (text: string) => void = () => {},
): SqlPool {
  return {
    query: pool.query.bind(pool),
    connect: async () => {
      const client = await pool.connect()
      const query: SqlPool['query'] = async (text, values) => {
        const said = typeof text === 'string' ? text : text.text
        before(said)
        const answer = await client.query(text, values)
        after(said)
        return answer as never
      }
      return { query, release: () => client.release() }
    },
  }
}

/** The pool, whose first commit of records is stored and its answer lost with the connection. */
function losingOneAnswer(pool: SqlPool): SqlPool {
  let wrote = false
  let lost = false
  return interfering(
    pool,
    (text) => (wrote ||= text.startsWith('insert into appview.record')),
    (text) => {
      if (lost || !wrote || text !== 'commit') return
      lost = true
      throw new Error('Connection terminated unexpectedly')
    },
  )
}

test('a batch stored while its answer was lost is taken again without effect', async () => {
  const { pool, indexer } = await appViewDatabase()
  const progress = createProgress(pool)
  const store = createSyncStore({ pool: losingOneAnswer(pool), indexer, clock })
  const batch = { host: HOST, events: [await commit(3)], cursor: 3 }
  await expect(store.apply(batch)).rejects.toThrow('Connection terminated')
  const kept = () => pool.query('select * from appview.record')
  const before = await kept()
  expect(before.rows).toHaveLength(1)

  const { revs, outcomes } = await store.apply(batch)
  expect((await kept()).rows).toEqual(before.rows)
  expect(outcomes).toEqual({ older: 1 })
  // Whoever waits for this revision is woken by the second attempt, the first could not.
  const waits = progress.reached(did, rev(3))
  progress.advance(revs)
  expect(await waits).toBe(true)
  expect([...revs]).toEqual([[did, rev(3)]])
})

test('a batch whose transaction fails leaves neither its records nor its cursor', async () => {
  const { pool, indexer } = await appViewDatabase()
  const failing = interfering(pool, (text) => {
    if (text.startsWith('insert into appview.cursor')) throw new Error('Connection terminated')
  })
  const store = createSyncStore({ pool: failing, indexer, clock })
  await expect(store.apply({ host: HOST, events: [await commit(3)], cursor: 3 })).rejects.toThrow(
    'terminated',
  )
  for (const table of ['record', 'account', 'cursor'])
    expect((await pool.query(`select * from appview.${table}`)).rows).toEqual([])
})
