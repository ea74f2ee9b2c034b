import { type Kysely, sql } from 'kysely'

/** How far the events reach that were handed out to whoever fetches the repo. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table appview.account add column "handedOut" text').execute(db)
}
