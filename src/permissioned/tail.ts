import type { Timers } from '../clock.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'
import { catchUp } from './catch-up.ts'
import type { RepoAt } from './repo-reads.ts'
import type { SpaceSink } from './sink.ts'
import type { SpaceStore } from './store.ts'

/** Brings what is written here into the views. */
export type Tail = AsyncDisposable & {
  /** Takes up what an earlier process left, and from then on what is written. */
  start(): void
  /** Resolves when the views have all that was stored before, but for repos that failed. */
  drain(): Promise<void>
}

/** What the tail reads from and writes to. It looks by itself every `pollMs`, for what other
 *  processes wrote and for what failed. */
export type TailOptions = {
  sql: Sql
  sink: SpaceSink
  store: Pick<SpaceStore, 'onWrite'>
  timers: Timers
  log: Log
  pollMs?: number
}

const POLL_MS = 5_000
const LOOK_MAX = 1_000
const AT_ONCE = 4
const RETRY_MS = 1_000
const RETRY_MAX_MS = 5 * 60_000

/**
 * Makes the tail. What is to be brought is in table `change`, one row for each repo, written with
 * its records and deleted once the views have them: a process that ends in between brings it once
 * more, which changes nothing. A repo that fails waits longer each time and holds up no other.
 */
export function createTail(options: TailOptions): Tail {
  const { store, timers, log, pollMs = POLL_MS } = options
  const waiting = new Map<string, RepoAt>()
  const busy = new Set<string>()
  const ending = new AbortController()
  let idle: (() => void)[] = []
  let polling: Promise<void> | undefined
  let unlisten = (): unknown => undefined

  const wake = (at: RepoAt) => {
    waiting.set(`${at.space} ${at.did}`, at)
    pump()
  }
  const pump = () => {
    for (const [key, at] of waiting) {
      if (busy.size >= AT_ONCE || ending.signal.aborted) break
      if (busy.has(key)) continue
      waiting.delete(key)
      busy.add(key)
      void bring(options, at).finally(() => {
        busy.delete(key)
        pump()
      })
    }
    if (busy.size > 0) return
    for (const resolve of idle) resolve()
    idle = []
  }
  const look = async () => {
    for (const at of await changed(options)) wake(at)
  }
  const poll = async () => {
    while (!ending.signal.aborted) {
      await look().catch((err: unknown) => log.warn({ err }, 'the changes of spaces are not read'))
      await timers.sleep(pollMs, ending.signal)
    }
  }
  const settled = () => new Promise<void>((resolve) => (idle.push(resolve), pump()))
  return {
    start() {
      unlisten = store.onWrite((space, did) => wake({ space, did }))
      polling ??= poll()
    },
    async drain() {
      await look()
      await settled()
    },
    async [Symbol.asyncDispose]() {
      unlisten()
      ending.abort()
      await polling
      await settled()
    },
  }
}

async function changed({ sql, timers }: TailOptions): Promise<RepoAt[]> {
  const { rows } = await sql.query<RepoAt>(
    `select space, did from repo.change where "nextAt" is null or "nextAt" <= $1
     order by "nextAt" nulls first, rev limit $2`,
    [timers.now(), LOOK_MAX],
  )
  return rows
}

async function bring(options: TailOptions, at: RepoAt): Promise<void> {
  const { sql, sink, timers, log } = options
  const { space, did } = at
  try {
    const { rows } = await sql.query<{ rev: string }>({ name: 'repo-change', text: DUE }, [
      space,
      did,
      timers.now(),
    ])
    if (!rows[0]) return
    const rev = await catchUp({ sql, sink }, at)
    await sql.query({ name: 'repo-brought', text: BROUGHT }, [space, did, rev ?? rows[0].rev])
  } catch (err) {
    log.warn({ err, space, did }, 'a repo in a space is not in the views; it is tried again')
    await postpone(options, at, err).catch((failure: unknown) => {
      log.warn({ err: failure, space, did }, 'what failed of a space is not put off')
    })
  }
}

const DUE = `select rev from repo.change
  where space = $1 and did = $2 and ("nextAt" is null or "nextAt" <= $3)`
const BROUGHT = 'delete from repo.change where space = $1 and did = $2 and rev <= $3'

async function postpone({ sql, timers }: TailOptions, at: RepoAt, error: unknown): Promise<void> {
  const { rows } = await sql.query<{ attempts: number }>(
    'select attempts from repo.change where space = $1 and did = $2',
    [at.space, at.did],
  )
  const attempts = (rows[0]?.attempts ?? 0) + 1
  const wait = Math.min(RETRY_MS * 2 ** (attempts - 1), RETRY_MAX_MS)
  await sql.query(
    `update repo.change set attempts = $3, "nextAt" = $4, reason = $5
     where space = $1 and did = $2`,
    [
      at.space,
      at.did,
      attempts,
      new Date(timers.now().getTime() + wait),
      error instanceof Error ? error.message.slice(0, 500) : String(error),
    ],
  )
}
