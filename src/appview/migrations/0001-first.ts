import { type Kysely, sql } from 'kysely'

/** The tables under every view: records as they came, accounts, hosts and live feeds. The
 *  collections' own tables are made from their declarations (`view-tables.ts`). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  'create schema if not exists appview',
  'create schema if not exists node',
  `create table appview.record (
    did text not null, collection text not null, rkey text not null,
    cid text, rev text not null, bytes bytea, reason text, detail text,
    "indexedAt" timestamptz not null,
    primary key (did, collection, rkey))`,
  `create index on appview.record (collection, reason) where reason is not null`,
  `create table appview.account (
    did text primary key, handle text, pds text,
    status text not null default 'active', "localStatus" text,
    followed boolean not null default false,
    rev text, data text, "updatedAt" timestamptz not null)`,
  `create index on appview.account (handle)`,
  `create table appview.host (
    host text primary key, cursor bigint, "updatedAt" timestamptz not null)`,
  `create table appview."refusedCommit" (
    host text not null, id bigint generated always as identity, seq bigint not null,
    did text not null, reason text not null, detail text not null, frame bytea not null,
    "refusedAt" timestamptz not null,
    primary key (host, id))`,
  `create table appview."feedHead" (owner text primary key, seq bigint not null)`,
  `create table appview.feed (
    owner text not null, seq bigint not null, collection text not null, uri text not null,
    action text not null, at timestamptz not null default now(),
    primary key (owner, seq))`,
  `create table appview."viewTable" (
    name text primary key, fingerprint text not null)`,
  `create table node."seenToken" (
    iss text not null, jti text not null, "expiresAt" timestamptz not null,
    primary key (iss, jti))`,
  `create table node."pendingSpace" (
    caller text not null, key text not null, handle text not null unique,
    records jsonb not null, did text,
    "createdAt" timestamptz not null, "confirmedAt" timestamptz,
    primary key (caller, key))`,
]
