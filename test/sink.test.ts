import { expect, test } from 'vitest'
import { type Applied, createSink } from '../src/appview/apply-events.ts'
import { createProgress } from '../src/appview/progress.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import type { CommitEvent } from '../src/firehose/event.ts'
import { NOW, appViewDatabase } from './appview-database.ts'
import { rev, writeOf } from './record.ts'

const HOST = 'https://node.example'
const did = 'did:plc:ada'

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

/** The pool, whose next commit is stored and its answer lost with the connection. */
function losingOneAnswer(pool: SqlPool): SqlPool {
  let lost = false
  return {
    query: pool.query.bind(pool),
    connect: async () => {
      const client = await pool.connect()
      const query: SqlPool['query'] = async (text, values) => {
        const answer = await client.query(text, values)
        if (lost || text !== 'commit') return answer as never
        lost = true
        throw new Error('Connection terminated unexpectedly')
      }
      return { query, release: () => client.release() }
    },
  }
}

test('a batch stored while its answer was lost is taken again without effect', async () => {
  const { pool, indexer } = await appViewDatabase()
  const progress = createProgress(pool)
  const told: Applied[] = []
  const applied = (what: Applied) => {
    told.push(what)
    progress.advance(what.revs)
  }
  const sink = createSink({
    pool: losingOneAnswer(pool),
    indexer,
    clock: { now: () => NOW },
    applied,
  })
  const batch = { host: HOST, events: [await commit(3)], cursor: 3 }
  await expect(sink(batch)).rejects.toThrow('Connection terminated')
  const kept = () => pool.query('select * from appview.record')
  const before = await kept()
  expect(before.rows).toHaveLength(1)

  await sink(batch)
  expect((await kept()).rows).toEqual(before.rows)
  // Whoever waits for this revision is woken by the second attempt, the first could not.
  expect(told.map(({ revs, outcomes }) => [[...revs], outcomes])).toEqual([
    [[[did, rev(3)]], { older: 1 }],
  ])
})

test('a batch whose transaction fails leaves neither its records nor its cursor', async () => {
  const { pool, indexer } = await appViewDatabase()
  const failing: SqlPool = {
    query: pool.query.bind(pool),
    connect: async () => {
      const client = await pool.connect()
      const query: SqlPool['query'] = (text, values) => {
        if (typeof text === 'string' && text.startsWith('insert into appview.host'))
          return Promise.reject(new Error('Connection terminated'))
        return client.query(text, values)
      }
      return { query, release: () => client.release() }
    },
  }
  const sink = createSink({ pool: failing, indexer, clock: { now: () => NOW }, applied: () => {} })
  await expect(sink({ host: HOST, events: [await commit(3)], cursor: 3 })).rejects.toThrow(
    'terminated',
  )
  for (const table of ['record', 'account', 'host'])
    expect((await pool.query(`select * from appview.${table}`)).rows).toEqual([])
})
