import type { SqlPool } from '../../database/sql.ts'
import type { Timers } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { HostedSpace } from './hosted-spaces.ts'

/** Sees to it that writes of this node's repos get their place in spaces that somebody follows. */
export type Orderer = AsyncDisposable & {
  /** A repo has written in a space. */
  readonly wrote: (space: string) => void
}

/** How long writes of one space are gathered before they are placed together. */
const GATHER_MS = 50

/** Makes it; what was left when the process ended is taken up at once. */
export function createOrderer(options: {
  pool: SqlPool
  log: Log
  timers: Timers
  /** whether this node itself is to hear of writes in every space */
  followsAll: () => boolean
  place: (space: HostedSpace) => Promise<number>
  /** called after something was placed */
  placed: () => void
}): Orderer {
  const { pool, log, timers, followsAll, place, placed } = options
  const waiting = new Set<string>()
  let running: Promise<void> | undefined
  const run = async () => {
    while (waiting.size > 0) {
      await timers.sleep(GATHER_MS)
      const spaces = [...waiting]
      waiting.clear()
      const { rows } = await pool.query<HostedSpace>(FOLLOWED, [spaces, timers.now(), followsAll()])
      let count = 0
      for (const row of rows) count += await place(row)
      if (count > 0) placed()
    }
  }
  const start = () => {
    running ??= run()
      // They keep their place in line: the next write, listing or start of the node sees to them.
      .catch((error: unknown) =>
        log.error({ err: error }, 'writes wait for their place in a space'),
      )
      .finally(() => {
        running = undefined
        // Who wrote after the last look and before this was not heard.
        if (waiting.size > 0) start()
      })
  }
  const orderer: Orderer = {
    wrote(space) {
      waiting.add(space)
      start()
    },
    [Symbol.asyncDispose]: async () => {
      waiting.clear()
      await running
    },
  }
  void pool
    .query<{ space: string }>(LEFT)
    .then(({ rows }) => rows.forEach(({ space }) => orderer.wrote(space)))
    .catch((error: unknown) => log.error({ err: error }, 'spaces could not be looked through'))
  return orderer
}

/** Where nobody listens, writes are placed when somebody asks. */
const FOLLOWED = `
  select s.* from repo.space s where s.space = any($1) and s."deletedAt" is null
  and ($3 or exists (select 1 from repo.syncer y where y.space = s.space and y."expiresAt" > $2))`

const LEFT = 'select distinct space from repo.writer where "spaceRev" is null'
