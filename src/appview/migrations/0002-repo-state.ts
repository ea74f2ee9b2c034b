import { type Kysely, sql } from 'kysely'

/** Where each account's repo stands, how far each part of a host's stream was applied, and which
 *  hosts are listened to. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `alter table appview.account
    add column state text not null default 'synchronized',
    add column "stateReason" text,
    add column "resyncAt" timestamptz,
    add column attempts integer not null default 0`,
  // Of these nothing was ever taken in, so that nothing can be built upon.
  `update appview.account set state = 'desynchronized', "stateReason" = 'Followed',
    "resyncAt" = "updatedAt" where followed and rev is null and status <> 'deleted'`,
  `create index on appview.account (state, "resyncAt")
    where state <> 'synchronized' and "localStatus" is null
      and status in ('active', 'unconfirmed')`,
  `create index on appview.account (pds, did collate "C")`,
  `create table appview.cursor (
    host text not null, shard integer not null, cursor bigint,
    "updatedAt" timestamptz not null,
    primary key (host, shard))`,
  `insert into appview.cursor (host, shard, cursor, "updatedAt")
    select host, 0, cursor, "updatedAt" from appview.host where cursor is not null`,
  // What is listened to is said anew at each start; only where it was read up to must not be lost.
  `drop table appview.host`,
  `create table appview.host (
    host text primary key, kind text not null, "namedBy" text not null, whole boolean not null,
    banned text, "listingCursor" text, "listingDone" boolean not null default false,
    "updatedAt" timestamptz not null)`,
  `create index on appview."refusedCommit" (host, seq)`,
]
