import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collections } from '../src/appview/collections/index.ts'
import { Indexer } from '../src/appview/index-record.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { systemClock, systemTimers } from '../src/clock.ts'
import { type Database, openDatabase } from '../src/database/database.ts'
import { migrate } from '../src/database/migrate.ts'
import { removeEmbedded } from '../src/database/placement.ts'
import { openKysely } from '../src/database/pool.ts'
import type { Identity } from '../src/identity/identity.ts'
import { silentLog } from '../src/log.ts'
import { fillNext } from '../src/rebuild/rebuild.ts'
import { openSources } from '../src/rebuild/sources.ts'
import { switchOver } from '../src/rebuild/switch-over.ts'
import { copy } from './copy.ts'
import { writeRepo } from './rebuild-repos.ts'
import type { BenchResult, Figure } from './result.ts'

const PEOPLE = 100
const RECORDS = 1_000_000
const GOAL = 0.15
const MB = 2 ** 20

type Report = (line: string) => void

/** Rebuilds all views from CARs on this disk, signatures and trees checked, indexes and figures
 *  made, and compares with COPY of the rows that came out, into the same tables. Nothing of the
 *  making of the CARs is counted. */
export async function benchRebuild(report: Report, records = RECORDS): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-bench-'))
  const dataDir = join(folder, 'data')
  try {
    const people = Math.min(PEOPLE, Math.max(1, Math.round(records / 1_000)))
    const identities = new Map<string, Identity>()
    for (let n = 0; n < people; n++) {
      const of = { n, people, records: Math.round(records / people) }
      const identity = await writeRepo(folder, of)
      identities.set(identity.did, identity)
    }
    report(`${people} repos of ${Math.round(records / people)} records each`)
    await using database = await openDatabase({ dataDir, log: silentLog })
    const ours = await measureRebuild(database, { folder, identities, report })
    const reference = await measureCopy(database, folder, report)
    return tell(ours, reference)
  } finally {
    removeEmbedded(dataDir)
    await rm(folder, { recursive: true, force: true })
  }
}

type Ours = { rows: number; seconds: number; peakMb: number; grownMb: number; cpuSeconds: number }

async function measureRebuild(
  database: Database,
  given: { folder: string; identities: ReadonlyMap<string, Identity>; report: Report },
): Promise<Ours> {
  const { folder, identities, report } = given
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  await migrate({ db: openKysely(database.pool), schema: 'node', migrations })
  await prepareViewTables({ pool, indexer, log: silentLog })
  const ownRepos = { accounts: new Map(), read: () => Promise.reject(new Error('none')) }
  const resolver = {
    resolve: async (did: string) => identities.get(did),
    document: async () => undefined,
    invalidate: () => undefined,
    verifyHandle: async () => undefined,
  }
  const outbound = () => Promise.reject(new Error('nothing is fetched'))
  const from = { ownRepos, ownPds: 'own', resolver, outbound, cars: folder, clock: systemClock }
  const sources = await openSources({
    ...from,
    collections: (nsid) => nsid.startsWith('co.kendev.'),
  })
  globalThis.gc?.()
  const atRest = process.memoryUsage().rss
  let peak = atRest
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50)
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const parts = { pool, indexer, sources, ownRepos, ownPds: 'own', timers: systemTimers, report }
  const filling = await fillNext(parts)
  await switchOver(filling, { timers: systemTimers, keepOld: false })
  const seconds = (performance.now() - begun) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(sampler)
  const { rows } = await pool.query<{ rows: number; refused: number }>(
    'select count(*)::int as rows, count(reason)::int as refused from appview.record',
  )
  if (rows[0]!.refused > 0) throw new Error(`${rows[0]!.refused} records were refused`)
  const grownMb = (peak - atRest) / MB
  const memory = { peakMb: peak / MB, grownMb }
  report(`rebuilt ${rows[0]!.rows} records in ${seconds.toFixed(1)} s`)
  return { rows: rows[0]!.rows, seconds, ...memory, cpuSeconds: (user + system) / 1e6 }
}

type Reference = { copySeconds: number; indexSeconds: number }

/** COPY into empty tables with their keys, and then the same indexes as ours have. */
async function measureCopy(
  { pool, url }: Database,
  folder: string,
  report: Report,
): Promise<Reference> {
  await pool.query('create schema copied')
  const tables = ['record', ...collections.map((c) => c.table)]
  const definitions: string[] = []
  const lists = new Map<string, string>()
  for (const table of tables) {
    const { rows: columns } = await pool.query<{ name: string }>(
      `select quote_ident(column_name) as name from information_schema.columns
       where table_schema = 'appview' and table_name = $1 and is_generated = 'NEVER'
       order by ordinal_position`,
      [table],
    )
    lists.set(table, columns.map(({ name }) => name).join(', '))
    await copy(url, `copy appview."${table}" (${lists.get(table)}) to stdout`, join(folder, table))
    await pool.query(`create table copied."${table}" (like appview."${table}" including all)`)
    const { rows } = await pool.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
       from pg_index where indrelid = $1::regclass and not indisprimary`,
      [`copied."${table}"`],
    )
    for (const { name, definition } of rows) {
      await pool.query(`drop index ${name}`)
      definitions.push(definition)
    }
  }
  await pool.query('checkpoint')
  const begun = performance.now()
  let bytes = 0
  for (const table of tables) {
    const file = join(folder, table)
    await copy(url, `copy copied."${table}" (${lists.get(table)}) from stdin`, file)
    bytes += (await stat(file)).size
  }
  const copied = performance.now()
  for (const definition of definitions) await pool.query(definition)
  const indexed = performance.now()
  const times = { copySeconds: (copied - begun) / 1_000, indexSeconds: (indexed - copied) / 1_000 }
  report(
    `COPY of the same rows, ${Math.round(bytes / MB)} MB: ${times.copySeconds.toFixed(1)} s, ` +
      `indexes ${times.indexSeconds.toFixed(1)} s`,
  )
  return times
}

function tell(ours: Ours, { copySeconds, indexSeconds }: Reference): BenchResult {
  const rate = (seconds: number) => Math.round(ours.rows / seconds)
  const against = (bench: string, seconds: number, goal: number | null): Figure => ({
    bench,
    goal,
    ours: rate(ours.seconds),
    reference: rate(seconds),
    ratio: Number((seconds / ours.seconds).toFixed(3)),
    unit: 'records/s',
  })
  const plain = (bench: string, value: number, unit: string): Figure => {
    return { bench, goal: null, ours: Math.round(value), reference: null, ratio: null, unit }
  }
  return {
    ...against(
      'rebuild: CARs to views, against COPY and indexes',
      copySeconds + indexSeconds,
      GOAL,
    ),
    more: [
      against('rebuild: against COPY alone, tables with keys only', copySeconds, null),
      plain('rebuild: peak memory of the process', ours.peakMb, 'MB'),
      plain('rebuild: memory beyond what it had at rest', ours.grownMb, 'MB'),
      plain('rebuild: CPU of the process', (ours.cpuSeconds / ours.rows) * 1e6, 'µs/record'),
    ],
  }
}
