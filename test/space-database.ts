import { migrate } from '../src/database/migrate.ts'
import type { SqlPool } from '../src/database/sql.ts'
import { migrations } from '../src/permissioned/migrations/index.ts'
import type { TestDatabase } from './database/pglite.ts'

/** Makes the tables of permissioned repos in a database and answers its pool. */
export async function spaceTables({ db, pool }: TestDatabase<unknown>): Promise<SqlPool> {
  await migrate({ db, schema: 'repo', migrations })
  return pool as unknown as SqlPool
}
