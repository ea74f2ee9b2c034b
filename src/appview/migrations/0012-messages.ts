import { type Kysely, sql } from 'kysely'

/** How far people have read, which nobody else knows, and whether they let authors know. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."readMarker" (
    did text not null, space text not null, channel text not null, thread text not null,
    "sentAt" timestamptz not null, uri text not null, "readAt" timestamptz not null,
    primary key (did, space, channel, thread))`,
  `create index on node."readMarker" (space, channel, thread, "sentAt")`,
  `alter table node.preference add column "readReceipts" boolean not null default false`,
]
