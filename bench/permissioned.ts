import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../src/database/database.ts'
import { migrate } from '../src/database/migrate.ts'
import { removeEmbedded } from '../src/database/placement.ts'
import { openKysely } from '../src/database/pool.ts'
import { migrations as viewMigrations } from '../src/appview/migrations/index.ts'
import { silentLog } from '../src/log.ts'
import { migrations } from '../src/permissioned/migrations/index.ts'
import { benchAnswers } from './permissioned-answers.ts'
import { benchChecks } from './permissioned-checks.ts'
import { benchSpaceSync } from './permissioned-sync.ts'
import { benchSpaceWrites } from './permissioned-writes.ts'
import type { BenchResult } from './result.ts'

const RECORDS = 100_000

/** Permissioned repos: writes against one-row transactions, the sync of a space of so many records,
 *  checks of credentials, and whether what is not there answers like what is not the asker's. */
export async function benchPermissioned(
  report: (line: string) => void,
  records = RECORDS,
): Promise<BenchResult> {
  const more = [...(await withDatabase((db) => benchSpaceWrites(db, report, records)))]
  const [first, ...others] = more
  return {
    ...first!,
    more: [
      ...others,
      ...(await withDatabase((db) => benchSpaceSync(db, report, records))),
      ...(await withDatabase((db) => benchChecks(db, report, Math.min(records, 4_000)))),
      ...(await benchAnswers(report, Math.min(records, 1_000))),
    ],
  }
}

async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-bench-'))
  const dataDir = join(folder, 'data')
  try {
    await using database = await openDatabase({ dataDir, log: silentLog })
    const db = openKysely(database.pool)
    await migrate({ db, schema: 'node', migrations: viewMigrations })
    await migrate({ db, schema: 'repo', migrations })
    return await work(database)
  } finally {
    removeEmbedded(dataDir)
    await rm(folder, { recursive: true, force: true })
  }
}
