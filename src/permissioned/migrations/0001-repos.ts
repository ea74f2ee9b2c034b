import { type Kysely, sql } from 'kysely'
import { WRITE_FUNCTION } from './write-function.ts'

/** Permissioned repos with their logs and what leaves them; spaces hosted here with who may do
 *  what in them; spaces of others that are followed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...REPOS, ...SPACES, ...CREDENTIALS, ...FOLLOWED, WRITE_FUNCTION]) {
    await sql.raw(statement).execute(db)
  }
}

/** Keys and revs are compared byte by byte whatever the locale of the database is. */
const KEY = 'text collate "C" not null'

const REPOS = [
  // A deleted repo leaves its row, so that a later one of the same name has a newer rev. A state of
  // 2,048 bytes would be moved out of the row, and every write would then write two rows.
  `create table repo.repo (
    space ${KEY}, did ${KEY}, rev ${KEY},
    "setHash" bytea storage plain not null,
    source text not null check (source in ('signed', 'local')),
    "opsSince" ${KEY} default '', "deletedAt" timestamptz,
    primary key (space, did)) with (fillfactor = 60)`,
  'create index on repo.repo (did, space)',
  `create table repo.record (
    space ${KEY}, did ${KEY}, collection ${KEY}, rkey ${KEY},
    cid text not null, rev ${KEY}, bytes bytea not null, evidence jsonb,
    primary key (space, did, collection, rkey))`,
  `create table repo.oplog (
    space ${KEY}, did ${KEY}, rev ${KEY}, idx integer not null,
    collection ${KEY}, rkey ${KEY}, cid text, prev text,
    primary key (space, did, rev, idx))`,
  // One row for each repo that the views have not caught up with.
  `create table repo.change (
    space ${KEY}, did ${KEY}, rev ${KEY},
    attempts integer not null default 0, "nextAt" timestamptz, reason text,
    primary key (space, did)) with (fillfactor = 80)`,
  // What the host of a space elsewhere is yet to be told: the newest of each repo.
  `create table repo.outbox (
    space ${KEY}, did ${KEY}, rev ${KEY}, hash bytea not null,
    attempts integer not null default 0, "nextAt" timestamptz not null,
    until timestamptz not null, reason text,
    primary key (space, did)) with (fillfactor = 80)`,
  'create index on repo.outbox ("nextAt")',
  // Bytes kept for records of spaces, and the records that refer to them.
  `create table repo.blob (
    did ${KEY}, cid ${KEY}, "mimeType" text not null, size bigint not null,
    "takenAt" timestamptz not null,
    primary key (did, cid))`,
  `create table repo."blobRef" (
    space ${KEY}, did ${KEY}, collection ${KEY}, rkey ${KEY}, cid ${KEY}, rev ${KEY},
    primary key (space, did, collection, rkey, cid))`,
  'create index on repo."blobRef" (space, did, cid)',
  'create index on repo."blobRef" (did, cid)',
]

const SPACES = [
  // A deleted space stays as its tombstone.
  `create table repo.space (
    space ${KEY} primary key, authority ${KEY}, type ${KEY}, skey ${KEY},
    "readPolicy" jsonb not null, "writePolicy" jsonb not null, "appAccess" jsonb not null,
    "spaceRev" text collate "C",
    "createdAt" timestamptz not null, "deletedAt" timestamptz)`,
  'create index on repo.space (authority, type, skey)',
  `create table repo.member (
    space ${KEY}, did ${KEY}, read boolean not null, write boolean not null,
    "addedAt" timestamptz not null,
    primary key (space, did))`,
  'create index on repo.member (did, space)',
  // Who an authority has admitted in which role, as its membership records say.
  `create table repo.admission (
    authority ${KEY}, subject ${KEY}, role text not null, status text not null, rev ${KEY},
    primary key (authority, subject))`,
  'create index on repo.admission (subject, authority)',
  // A writer without a spaceRev has written since the space was last put in order.
  `create table repo.writer (
    space ${KEY}, did ${KEY}, rev ${KEY}, hash bytea not null, "spaceRev" text collate "C",
    primary key (space, did)) with (fillfactor = 80)`,
  'create index on repo.writer (space, "spaceRev")',
  `create table repo.syncer (
    space ${KEY}, service ${KEY}, "expiresAt" timestamptz not null,
    primary key (space, service))`,
  // What a syncer is yet to be told: the newest of each repo.
  `create table repo.forward (
    space ${KEY}, service ${KEY}, did ${KEY}, rev ${KEY}, hash bytea not null,
    "spaceRev" ${KEY}, "prevSpaceRev" text collate "C",
    attempts integer not null default 0, "nextAt" timestamptz not null,
    until timestamptz not null, reason text,
    primary key (space, service, did))`,
  'create index on repo.forward ("nextAt")',
]

const CREDENTIALS = [
  `create table repo.credential (
    space ${KEY}, jti ${KEY}, authority ${KEY}, did ${KEY}, "clientId" text,
    "expiresAt" timestamptz not null,
    primary key (space, jti))`,
  'create index on repo.credential (authority, did)',
  'create index on repo.credential ("expiresAt")',
  `create table repo.revocation (
    space ${KEY}, jti ${KEY}, until timestamptz not null,
    primary key (space, jti))`,
  'create index on repo.revocation (until)',
  // Revocations and deletions that the host of a repo or a syncer is yet to be told of.
  `create table repo.notice (
    space ${KEY}, "to" ${KEY}, kind ${KEY}, subject ${KEY},
    attempts integer not null default 0, "nextAt" timestamptz not null,
    until timestamptz not null, reason text,
    primary key (space, "to", kind, subject))`,
  'create index on repo.notice ("nextAt")',
  `create table repo.grant (
    did ${KEY}, authority ${KEY}, "spaceType" ${KEY}, actions text[] not null,
    "createdAt" timestamptz not null, "expiresAt" timestamptz,
    primary key (did, authority, "spaceType"))`,
]

const FOLLOWED = [
  `create table repo.follow (
    space ${KEY} primary key,
    state text not null check (state in ('following', 'forgetting', 'stopped')),
    reason text, checkpoint text collate "C", "registeredUntil" timestamptz,
    "nextSweepAt" timestamptz not null)`,
  // Accounts hosted here that were given access to a followed space.
  `create table repo."followReader" (
    space ${KEY}, did ${KEY}, primary key (space, did))`,
  // Repos of a followed space that are perhaps not held as their hosts have them.
  `create table repo."followRepo" (
    space ${KEY}, did ${KEY}, mark integer not null default 1,
    whole boolean not null default false, attempts integer not null default 0,
    host text collate "C", "nextAt" timestamptz not null, reason text,
    primary key (space, did))`,
  'create index on repo."followRepo" ("nextAt")',
]
