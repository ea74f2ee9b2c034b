import { readableSql } from '../src/appview/readable.ts'
import { type Transact, createTransact } from '../src/appview/business/transact.ts'
import { collections } from '../src/appview/collections/index.ts'
import { migrations as nodeMigrations } from '../src/appview/migrations/index.ts'
import { createProgress } from '../src/appview/progress.ts'
import { createSpaceSink } from '../src/appview/space-sink.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { systemTimers } from '../src/clock.ts'
import { migrate } from '../src/database/migrate.ts'
import { transaction } from '../src/database/sql.ts'
import type { Job } from '../src/jobs/jobs.ts'
import { silentLog } from '../src/log.ts'
import { lexiconValidator } from '../src/pds/lexicon-validator.ts'
import { migrations as spaceMigrations } from '../src/permissioned/migrations/index.ts'
import { type SpaceStore, createSpaceStore } from '../src/permissioned/store/store.ts'
import { type Tail, createTail } from '../src/permissioned/store/tail.ts'
import { createTids } from '../src/tid.ts'
import { appViewOn } from './appview-database.ts'
import { nativeDatabase } from './database/native.ts'

export const TENANT = 'did:plc:garage'

/** A tenant's business on a real Postgres, without a PDS: what is decided there is stored as a node
 *  stores it, and comes into the views. */
export type BusinessStage = AsyncDisposable & {
  readonly pool: SqlPool
  readonly url: string
  readonly store: SpaceStore
  readonly transact: Transact
  readonly tail: Tail
  /** The jobs that were queued and committed, each once for its key. */
  readonly jobs: readonly Job[]
  /** What the clock says; tests move it. */
  now: Date
  /** Records of a collection that an account may read, as the views have them. */
  read(table: string, viewer: string): Promise<Record<string, unknown>[]>
}

/** Sets the stage on a database server of its own. */
export async function businessStage(
  start = new Date('2026-11-23T12:00:00Z'),
): Promise<BusinessStage> {
  const database = await nativeDatabase()
  const pool = database.pool as unknown as SqlPool
  const { db } = database
  await migrate({ db, schema: 'repo', migrations: spaceMigrations })
  await migrate({ db, schema: 'node', migrations: nodeMigrations })
  const { indexer } = await appViewOn(pool)
  const clock = { now: () => stage.now }
  const nextTid = createTids(clock)
  const validate = lexiconValidator(collections.map((c) => c.schema))
  const store = createSpaceStore({ pool, clock, nextTid, validate })
  const progress = createProgress(pool)
  const sink = createSpaceSink({ pool, indexer, progress, clock, named: () => undefined })
  const timers = { ...systemTimers, ...clock }
  const tail = createTail({ sql: pool, sink, store, timers, log: silentLog })
  tail.start()
  const jobs = new Map<string, Job>()
  const outbox = {
    transact: async <T>(
      work: (tx: SqlPool, queue: (job: Job) => Promise<void>) => Promise<T>,
    ): Promise<T> => {
      let queued: Job[] = []
      const result = await transaction(pool, (tx) => {
        queued = []
        return work(tx as SqlPool, async (job) => void queued.push(job))
      })
      for (const job of queued) jobs.set(`${job.queue} ${job.key}`, job)
      return result
    },
  }
  const transact = createTransact({ outbox, together: store, progress, clock, nextTid })
  const stage: BusinessStage = {
    pool,
    url: database.url,
    store,
    transact,
    tail,
    now: start,
    get jobs() {
      return [...jobs.values()]
    },
    read: async (table, viewer) => {
      const readable = readableSql('t', '$1')
      return (await pool.query(`select * from appview."${table}" t where ${readable}`, [viewer]))
        .rows
    },
    [Symbol.asyncDispose]: async () => {
      await tail[Symbol.asyncDispose]()
      await database.close()
    },
  }
  return stage
}
