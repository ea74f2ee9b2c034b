import { type Kysely, sql } from 'kysely'

/** What belongs to a roadmap and is not for everybody. The node's own account has no audiences, so
 *  none of it is a record. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."roadmapNotes" (
    feature text primary key, notes jsonb not null, "updatedAt" timestamptz not null)`,
  `create table node."privateFeedback" (
    id text primary key, feature text not null, author text not null, comment jsonb not null,
    type text not null, response jsonb, "createdAt" timestamptz not null)`,
  `create index on node."privateFeedback" (feature, "createdAt", id)`,
  `create index on node."privateFeedback" (author, feature)`,
]
