import { type Kysely, sql } from 'kysely'

/** How often products are looked at and files are fetched, which events of payment providers have
 *  had their effect, what the sandbox has been paid, which stock is to be looked at, and of which
 *  the staff was told that little is left. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."paymentEvent" (
    provider text not null, id text not null, kind text not null, reference text,
    "receivedAt" timestamptz not null, primary key (provider, id))`,
  `create index on node."paymentEvent" ("receivedAt")`,
  `create table node."sandboxPayment" (
    reference text primary key, payment jsonb not null, "createdAt" timestamptz not null)`,
  `create table node."stockChange" (
    tenant text not null, item text not null, mark text not null, primary key (tenant, item))`,
  `create table node.download (
    "order" text not null, line text not null, file text not null, fetched integer not null,
    primary key ("order", line, file))`,
  `create table node."productView" (
    product text not null, day date not null, views integer not null, primary key (product, day))`,
  `create table node."stockAlert" (
    tenant text not null, item text not null, "isLow" boolean not null,
    crossing integer not null, primary key (tenant, item))`,
]
