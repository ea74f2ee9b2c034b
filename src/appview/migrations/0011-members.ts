import { type Kysely, sql } from 'kysely'

/** What members pay for their subscriptions, who takes it, and what they want to hear of a space. A
 *  period is paid for once: there is at most one payment of it that is not declined. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."memberPayment" (
    space text not null, did text not null, customer text not null, method text,
    primary key (space, did))`,
  `create table node.charge (
    space text not null, did text not null, period text not null, attempt integer not null,
    amount integer not null, currency text not null, status text not null, reference text,
    "createdAt" timestamptz not null,
    primary key (space, did, period, attempt))`,
  `create unique index on node.charge (space, did, period) where status <> 'declined'`,
  `create table node."spaceNotificationSetting" (
    did text not null, space text not null, mentions boolean not null,
    "directMessages" boolean not null, announcements boolean not null, events boolean not null,
    primary key (did, space))`,
]
