import { type Kysely, sql } from 'kysely'

/** What the node alone knows of payments for orders: how providers call them, and how they were
 *  asked for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."paymentAttempt" (
    tenant text not null, place text not null, rkey text not null, payment text not null,
    provider text not null, key text not null, amount bigint not null, currency text not null,
    method text, capture boolean not null, number text not null, reference text, last4 text,
    tries integer not null default 0, "lookAt" timestamptz,
    primary key (tenant, place, payment))`,
  `create unique index on node."paymentAttempt" (provider, key)`,
  `create index on node."paymentAttempt" (provider, reference)`,
  `create index on node."paymentAttempt" ("lookAt") where "lookAt" is not null`,
]
