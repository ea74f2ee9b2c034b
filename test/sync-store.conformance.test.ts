import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { namedIn } from '../src/appview/named.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import { rowOf } from '../src/appview/verify-record.ts'
import type { RecordWrite } from '../src/firehose/event.ts'
import { type StoreDump, createMemoryStore } from '../src/firehose/memory-store.ts'
import type { Applied, SyncStore } from '../src/firehose/store.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { type CallWorld, storeCalls } from './store-calls.ts'

const RUNS = 60

test.each([1, 3])('in %i parts, Postgres holds and answers what memory does', async (shards) => {
  const db = await appViewDatabase()
  await fc.assert(
    fc.asyncProperty(storeCalls, async (calls) => {
      await db.clear()
      const world: CallWorld = { now: NOW, claimed: new Set() }
      const clock = { now: () => world.now }
      const memory = createMemoryStore({ clock, judgeRecord: reasonOf, named })
      const postgres = createSyncStore({ pool: db.pool, indexer: db.indexer, clock, shards })
      for (const { name, call } of calls) {
        const expected = plain(await call(memory, world))
        expect(plain(await call(postgres, world)), name).toEqual(expected)
      }
      expect(await dumpOf(db, postgres)).toEqual(plainDump(memory.dump()))
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true },
  )
})

type Written = RecordWrite & { rev: string }

function judged(write: Written) {
  const { cid, bytes } = write
  const collection = collections.find(({ nsid }) => nsid === write.collection)
  return { collection, found: rowOf(collection, { ...write, cid: cid!, bytes: bytes! }) }
}

function reasonOf(write: Written): string | undefined {
  const { found } = judged(write)
  return 'reason' in found ? found.reason : undefined
}

function named(write: Written): readonly string[] {
  if (write.cid === null) return []
  const { collection, found } = judged(write)
  return collection && 'row' in found ? namedIn(collection, found.row) : []
}

/** An answer without the order that it need not have. */
function plain(answer: unknown): unknown {
  if (!isApplied(answer)) return Array.isArray(answer) ? answer : undefined
  const { revs, outcomes, queued, desynchronized } = answer
  return {
    revs: new Map(revs),
    outcomes,
    queued: queued.map(({ did, kind, seq }) => `${did} ${kind} ${seq}`).toSorted(),
    desynchronized: desynchronized.toSorted(),
    named: answer.named.toSorted(),
  }
}

function isApplied(answer: unknown): answer is Applied {
  return typeof answer === 'object' && answer !== null && 'outcomes' in answer
}

function plainDump({ refused, ...dump }: StoreDump) {
  return { ...dump, refused: refused.map((r) => `${r.host} ${r.seq} ${r.did}`).toSorted() }
}

/** Everything the store in Postgres holds, as the one in memory tells it. */
async function dumpOf(db: AppViewDatabase, store: SyncStore) {
  const all = async <T extends object>(sql: string) => (await db.pool.query<T>(sql)).rows
  const accounts = await all(`select did, state, rev, data, status as upstream,
      "localStatus" as own, pds, "handedOut", handle, followed, "stateReason" as reason,
      "resyncAt" as at, attempts from appview.account order by did collate "C"`)
  const records = await all<{ uri: string; cid: string; rev: string; reason: string }>(
    `select 'at://' || did || '/' || collection || '/' || rkey as uri, cid, rev, reason
     from appview.record`,
  )
  const tables = collections.map((c) => `select uri from appview."${c.table}"`)
  const shown = await all<{ uri: string }>(tables.join(' union all '))
  const told = await all<{ host: string }>('select distinct host from appview.cursor')
  const cursors: Record<string, number> = {}
  for (const { host } of told) {
    const cursor = await store.cursorOf(host)
    if (cursor !== undefined) cursors[host] = cursor
  }
  const refused = await all<{ line: string }>(
    `select host || ' ' || seq || ' ' || did as line from appview."refusedCommit"`,
  )
  return {
    accounts,
    records: Object.fromEntries(records.map(({ uri, ...record }) => [uri, record])),
    shown: shown.map(({ uri }) => uri).toSorted(),
    cursors,
    hosts: await store.hosts(),
    refused: refused.map(({ line }) => line).toSorted(),
  }
}
