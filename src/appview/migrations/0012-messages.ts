import { type Kysely, sql } from 'kysely'

/** How far people have read, which nobody else knows, and whether they let authors know; and which
 *  versions of reports have been judged by the thresholds of their channels. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."readMarker" (
    did text not null, space text not null, channel text not null, thread text not null,
    "sentAt" timestamptz not null, uri text not null, "readAt" timestamptz not null,
    primary key (did, space, channel, thread))`,
  `create index on node."readMarker" (space, channel, thread, "sentAt")`,
  `create table node."judgedReport" (uri text primary key, cid text not null)`,
  `alter table node.preference add column "readReceipts" boolean not null default false`,
]
