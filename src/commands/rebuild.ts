import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type SqlPool, transaction } from '../appview/sql.ts'
import { systemClock, systemTimers } from '../clock.ts'
import { type Config, readConfig } from '../config.ts'
import { silentLog } from '../log.ts'
import { ownPrefix } from '../pds/validate.ts'
import { dropNext } from '../rebuild/books.ts'
import { type TableComparison, compareTables } from '../rebuild/compare.ts'
import { NEXT } from '../rebuild/in-schema.ts'
import { bringForward } from '../rebuild/old-tables.ts'
import { openOwnRepos } from '../rebuild/own-repos.ts'
import { type Rebuilding, fillNext } from '../rebuild/rebuild.ts'
import { openSources } from '../rebuild/sources.ts'
import { finish, switchOver, withLocks } from '../rebuild/switch-over.ts'
import type { Filling } from '../rebuild/take-in.ts'
import { type Command, UsageError } from './command.ts'
import { type Views, nodeAnswers, openViews, requireTables } from './open-views.ts'
import { lookOutside } from './outside.ts'

const LOCK = 0x616e_6766
const LOCK_TRIES = 150

/** Makes the views anew from the repos, beside the node or without it. */
export const rebuild: Command = {
  usage: `./angelos rebuild [--cars DIR] [--verify] [--keep-old]

  Fills new tables from the repos, each verified down to its records, while the old ones serve, and
  puts them in their place in one step. Own repos are read from the PDS's files, those of others
  from DIR as far as they are there and not older than the views, otherwise from their PDS; what is
  fetched is kept in DIR. Where there is no repo to be had, what the views had of it is taken over.
  A rebuild that was killed goes on where it was when it is begun again.

  --verify    only compare: print which rows differ, change nothing, exit code 1 if some do
  --keep-old  leave the old tables in the schema appview_old`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        cars: { type: 'string' },
        verify: { type: 'boolean', default: false },
        'keep-old': { type: 'boolean', default: false },
      },
    })
    const config = readConfig()
    await using views = await openViews(config)
    await using _alone = await holdLock(views)
    if (await nodeAnswers(config)) await requireTables(views)
    else await bringForward(views.database.pool)
    const rebuilding = await prepare(config, views, values.cars)
    const filling = await fillNext(rebuilding)
    const missing = await views.pool.query<Missing>(UNFETCHED)
    for (const { did, detail } of missing.rows) say(`as the views had it: ${did}, ${detail}`)
    if (values.verify) return judge(await compareAll(rebuilding, filling))
    const keepOld = values['keep-old']
    const { heldUpMs } = await switchOver(filling, { timers: systemTimers, keepOld })
    say(`the new tables serve; writers and readers waited ${heldUpMs} ms`)
    return 0
  },
}

/** One rebuild at a time; a killed one's connection ends by itself. */
async function holdLock({ pool }: Views): Promise<AsyncDisposable> {
  const client = await pool.connect()
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const { rows } = await client.query<{ held: boolean }>(
      `select pg_try_advisory_lock(${LOCK}) as held`,
    )
    if (rows[0]?.held)
      return { [Symbol.asyncDispose]: async () => client.release(new Error('unlocked')) }
    await systemTimers.sleep(200)
  }
  client.release()
  throw new UsageError('Another rebuild is at work.')
}

async function prepare(config: Config, views: Views, cars?: string): Promise<Rebuilding> {
  const ownRepos = openOwnRepos(resolve(config.ANGELOS_DATA_DIR))
  const ownPds = config.publicUrl
  const sources = await openSources({
    ...lookOutside(config, silentLog),
    ownRepos,
    ownPds,
    cars,
    collections: (nsid) => nsid.startsWith(ownPrefix),
    clock: systemClock,
  })
  const { pool, indexer } = views
  return { pool, indexer, sources, ownRepos, ownPds, timers: systemTimers, report: say }
}

/** Compares as of one moment at which both sides know the same; nobody waits for the comparing. */
async function compareAll(r: Rebuilding, filling: Filling): Promise<TableComparison[]> {
  const client = await r.pool.connect()
  try {
    await withLocks(r.pool, r.timers, async () => {
      await transaction(r.pool, (writing) => finish(writing, filling))
      await client.query('begin isolation level repeatable read read only')
      await client.query('select 1 from appview.account limit 1')
    })
    return await compareTables(client, r.indexer.collections)
  } finally {
    client.release(new Error('done'))
    await dropNext(r.pool as SqlPool)
  }
}

type Missing = { did: string; detail: string }
const UNFETCHED = `select did, detail from ${NEXT}.rebuilt where detail is not null order by did`

function judge(compared: readonly TableComparison[]): number {
  for (const { table, rows, differing, sample } of compared) {
    if (differing > 0 || rows > 0) say(`${table}: ${rows} rows, ${differing} differ`)
    for (const { key, live, rebuilt } of sample)
      say(`  ${key}\n    live    ${JSON.stringify(live)}\n    rebuilt ${JSON.stringify(rebuilt)}`)
  }
  const differing = compared.reduce((sum, table) => sum + table.differing, 0)
  say(differing === 0 ? 'the views are what the repos say' : `${differing} rows differ`)
  return differing === 0 ? 0 : 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
