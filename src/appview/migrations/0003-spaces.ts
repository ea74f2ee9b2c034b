import { type Kysely, sql } from 'kysely'

/** Records of permissioned repos as they came, and how far the views hold each of those repos. They
 *  stand apart from public ones, so that no question about those can ever meet them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table appview."spaceRecord" (
    did text not null, collection text not null, rkey text not null, place text not null,
    cid text, rev text not null, bytes bytea, reason text, detail text,
    "indexedAt" timestamptz not null,
    primary key (did, collection, rkey, place))`,
  `create index on appview."spaceRecord" (place, did)`,
  `create index on appview."spaceRecord" (collection, reason) where reason is not null`,
  `create table appview."spaceRepo" (
    place text not null, did text not null, rev text not null, "setHash" bytea not null,
    "updatedAt" timestamptz not null,
    primary key (place, did))`,
  `create table node."pendingMove" (
    did text not null, collection text not null, rkey text not null, "from" text not null,
    "to" text not null, "createdAt" timestamptz not null,
    primary key (did, collection, rkey, "from"))`,
  `create table node.invitation (
    space text not null, id text not null, hash bytea not null unique, role text not null,
    "createdBy" text not null, "createdAt" timestamptz not null, "expiresAt" timestamptz not null,
    "usedBy" text, "usedAt" timestamptz,
    primary key (space, id))`,
  `alter table appview."spaceRepo" alter column "setHash" set storage plain`,
]
