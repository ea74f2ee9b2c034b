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

/** The n-th commit; without one before it, the first of its repo. */
async function commit(n: number, before?: number): Promise<CommitEvent> {
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
    since: before === undefined ? null : rev(before),
    prevData: before === undefined ? null : 'tree',
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

test('a host is read again from where the slowest part of its accounts is', async () => {
  const { pool, indexer } = await appViewDatabase()
  const shards = 2
  let fails = true
  const flaky = interfering(pool, (text) => {
    if (fails && text.startsWith('insert into appview.record')) throw new Error('terminated')
  })
  const store = createSyncStore({ pool: flaky, indexer, clock, shards })
  const others = { kind: 'account', seq: 4, active: true, time: NOW.toISOString() } as const
  // One of them is in the part in which nothing fails.
  const events = [
    await commit(3),
    ...['ben', 'eve', 'zoe'].map((name) => ({ ...others, did: `did:plc:${name}` })),
  ]
  const batch = { host: HOST, events, cursor: 4 }
  await expect(store.apply(batch)).rejects.toThrow('terminated')
  // The other part may still be at it.
  const kept = async () => (await pool.query('select did from appview.account')).rows
  await expect.poll(kept).not.toEqual([])
  expect(await store.cursorOf(HOST)).toBeUndefined()

  fails = false
  await store.apply(batch)
  expect(await store.cursorOf(HOST)).toBe(4)
  fails = true
  const next = { ...batch, events: [...events.slice(1), await commit(4, 3)], cursor: 9 }
  await expect(store.apply(next)).rejects.toThrow('terminated')
  const restarted = () => createSyncStore({ pool, indexer, clock, shards: 1 })
  expect(await restarted().cursorOf(HOST)).toBe(4)
  // With another number of parts nothing is skipped either.
  await restarted().apply({ ...next, events: [], cursor: 5 })
  expect(await restarted().cursorOf(HOST)).toBe(5)
})

test('an event that Postgres cannot hold is kept as refused, and the others are applied', async () => {
  const { pool, indexer } = await appViewDatabase()
  const store = createSyncStore({ pool, indexer, clock })
  const time = NOW.toISOString()
  const who = (name: string, handle: string) =>
    ({ kind: 'identity', seq: 7, did: `did:plc:${name}`, handle, time }) as const
  const events = [who('ben', 'ben.test'), who('eve', 'ev\0e.test'), await commit(3)]
  await store.apply({ host: HOST, events, cursor: 7 })
  const accounts = await pool.query('select handle from appview.account order by did')
  expect(accounts.rows).toEqual([{ handle: null }, { handle: 'ben.test' }])
  const refused = await pool.query('select did, reason from appview."refusedCommit"')
  expect(refused.rows).toEqual([{ did: 'did:plc:eve', reason: 'Unstorable' }])
  expect(await store.cursorOf(HOST)).toBe(7)
})
