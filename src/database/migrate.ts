import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

/** Steps by name; they run in the order of their names, each once, and are never changed. */
export type Migrations = Readonly<Record<string, Migration>>

const TABLE = 'kysely_migration'

/** An arbitrary number that all our processes use for "somebody makes a schema". */
const SCHEMA_LOCK = 7_305_822_941

/**
 * Brings the database forward to the newest of `migrations`, keeping its books in `schema`, and
 * answers the names of those that ran. All or nothing; of several processes at once one does it.
 * Throws when a step fails, or when the database knows steps this code does not.
 */
export async function migrate<T>(options: {
  db: Kysely<T>
  schema: string
  migrations: Migrations
}): Promise<string[]> {
  const { db, schema, migrations } = options
  await db.transaction().execute(async (tx) => {
    // "if not exists" alone fails when two processes make the schema in the same instant.
    await sql`select pg_advisory_xact_lock(${SCHEMA_LOCK}::int8)`.execute(tx)
    await sql`create schema if not exists ${sql.id(schema)}`.execute(tx)
  })
  await refuseNewer(db, schema, migrations)
  const migrator = new Migrator({
    db,
    migrationTableSchema: schema,
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
    provider: { getMigrations: async () => ({ ...migrations }) },
  })
  const { error, results } = await migrator.migrateToLatest()
  if (!error) return (results ?? []).map((result) => result.migrationName)
  const failed = results?.find((result) => result.status === 'Error')?.migrationName
  const which = failed ? `Migration ${failed}` : 'The migration'
  throw new Error(`${which} of schema ${schema} failed; nothing was changed.`, { cause: error })
}

async function refuseNewer<T>(db: Kysely<T>, schema: string, known: Migrations): Promise<void> {
  const table = sql.id(schema, TABLE)
  const there = await sql<{ found: boolean }>`
    select exists (
      select 1 from information_schema.tables
      where table_schema = ${schema} and table_name = ${TABLE}
    ) as found`.execute(db)
  if (!there.rows[0]?.found) return
  const { rows } = await sql<{ name: string }>`select name from ${table} order by name`.execute(db)
  const unknown = rows.map((row) => row.name).filter((name) => !Object.hasOwn(known, name))
  if (unknown.length === 0) return
  throw new Error(
    `The database is newer than this program: schema ${schema} has ${unknown.join(', ')}. ` +
      'Start the newer program again, or restore a backup made with this one.',
  )
}
