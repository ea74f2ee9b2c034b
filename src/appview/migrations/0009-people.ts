import { type Kysely, sql } from 'kysely'

/** What people have chosen on this node; and what their awards come to, which follows from the
 *  records, the roles and the age of accounts, and is worked out again when it is lost. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node.preference (
    did text primary key, email boolean not null, "inApp" boolean not null,
    "guardianAngelAlerts" boolean not null, "profileVisibility" text not null,
    "karmaScoreVisible" boolean not null)`,
  `create table node."accountBirth" (
    did text primary key, "bornAt" timestamptz, "askedAt" timestamptz not null)`,
  `create table node."awardStanding" (
    uri text primary key, did text not null, recipient text not null, type text not null,
    "contributionType" text, points integer not null, at timestamptz not null,
    revoked boolean not null, role text, "bornAt" timestamptz,
    contribution text not null, reason text)`,
  `create index on node."awardStanding" (recipient, at)`,
  `create index on node."awardStanding" (did, at)`,
  `create index on node."awardStanding" (at)`,
  `create table node.karma (
    did text primary key, score integer not null, recognisers integer not null,
    contributions jsonb not null)`,
]
