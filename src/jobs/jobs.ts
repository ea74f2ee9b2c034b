import { createHash } from 'node:crypto'
import { type Db, PgBoss } from 'pg-boss'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import type { Log } from '../log.ts'

/** Work to be done later, at least once, that waits in Postgres. */
export type Job = {
  readonly queue: string
  readonly data: Readonly<Record<string, unknown>>
  /** Two jobs of one queue with the same key are one job, whenever they are queued. */
  readonly key: string
  /** How long it waits at least. */
  readonly afterSeconds?: number
}

/** Puts jobs beside the rows that call for them. */
export type Outbox = {
  /** Runs `work` in one transaction; what it queues is done once that is committed, and never when
   *  it is not. */
  transact<T>(work: (tx: Sql, queue: (job: Job) => Promise<void>) => Promise<T>): Promise<T>
}

/** Does what a job asks for; throwing has it tried again later. */
export type Handler = (data: Readonly<Record<string, unknown>>) => Promise<void>

/** The jobs of a node. */
export type Jobs = Outbox & {
  /** Begins to do the jobs of a queue, one after the other. */
  work(queue: string, handler: Handler): Promise<void>
  /** Has something done again and again, by a cron expression in UTC; once over all processes. */
  every(queue: string, cron: string, handler: () => Promise<void>): Promise<void>
}

const SCHEMA = 'jobs'
/** What failed for good is kept here for the operator. */
const DEAD = 'dead'
/** Other processes may queue jobs too, which nobody tells us of. */
const POLL_SECONDS = 2
const DAY_SECONDS = 86_400
const STOP_MS = 10_000
const KEEP = { retentionSeconds: 14 * DAY_SECONDS, deleteAfterSeconds: 7 * DAY_SECONDS }
/** A job whose process has ended is somebody else's after this time. */
const HEARTBEAT_SECONDS = 20
const LOOK_SECONDS = 10
/** Eight times within about twenty minutes, the last ones far apart. */
const RETRIED = {
  ...KEEP,
  retryLimit: 8,
  retryDelay: 5,
  retryBackoff: true,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  deadLetter: DEAD,
}

/** Opens the queues with pg-boss, on the node's own connections. */
export async function openJobs({
  pool,
  log,
}: {
  pool: SqlPool
  log: Log
}): Promise<Jobs & AsyncDisposable> {
  const boss = new PgBoss(settingsOn(pool))
  boss.on('error', (err) => log.error({ err }, 'the job queue has trouble'))
  const stop = () => boss.stop({ graceful: true, timeout: STOP_MS })
  await using opened = new AsyncDisposableStack()
  opened.defer(stop)
  await boss.start()
  const workers = new Map<string, string>()
  const made = new Map<string, Promise<void>>()
  const ensure = (queue: string): Promise<void> => {
    const making = made.get(queue) ?? boss.createQueue(queue, queue === DEAD ? KEEP : RETRIED)
    made.set(queue, making)
    making.catch(() => made.delete(queue))
    return making
  }
  await ensure(DEAD)
  const work: Jobs['work'] = async (queue, handler) => {
    await ensure(queue)
    const polling = { pollingIntervalSeconds: POLL_SECONDS }
    const worker = await boss.work<Job['data']>(queue, polling, async ([job]) => {
      try {
        if (job) await handler(job.data ?? {})
      } finally {
        // There may be more: only an empty queue is waited for.
        const own = workers.get(queue)
        if (own !== undefined) boss.notifyWorker(own)
      }
    })
    workers.set(queue, worker)
  }
  opened.move()
  return {
    work,
    async transact(does) {
      const queued = new Set<string>()
      const result = await transaction(pool, (tx) =>
        does(tx, async ({ queue, data, key, afterSeconds: startAfter }) => {
          await ensure(queue)
          const later = startAfter === undefined ? {} : { startAfter }
          await boss.send(queue, data, { id: idOf(queue, key), db: executor(tx), ...later })
          queued.add(queue)
        }),
      )
      for (const queue of queued) if (workers.has(queue)) boss.notifyWorker(workers.get(queue)!)
      return result
    },
    async every(queue, cron, handler) {
      await work(queue, handler)
      await boss.schedule(queue, cron)
    },
    [Symbol.asyncDispose]: stop,
  }
}

function settingsOn(pool: SqlPool) {
  return {
    db: executor(pool),
    schema: SCHEMA,
    registerInstance: false,
    monitorVacuum: false,
    monitorIntervalSeconds: LOOK_SECONDS,
    superviseIntervalSeconds: LOOK_SECONDS,
    openTelemetry: { enabled: false },
  }
}

function executor(sql: Sql): Db {
  return { executeSql: (text, values) => sql.query(text, values as unknown[] | undefined) }
}

/** A UUID that is the same for the same job, so that the second is found to be there. */
function idOf(queue: string, key: string): string {
  const hex = createHash('sha256').update(`${queue}\n${key}`).digest('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`]
  return [...parts, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
}
