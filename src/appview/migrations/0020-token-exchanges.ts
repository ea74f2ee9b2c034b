import { type Kysely, sql } from 'kysely'

/** Quotes for exchanges of tokens, kept though their records go, and which quote a transfer names.
 *  `quote` is null where that was not looked at yet, and empty where a transfer names none. And the
 *  reasons why certificates do not hold, to be counted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."tokenQuote" (
    uri text not null, cid text not null, provider text not null, customer text not null,
    paid text not null, content jsonb not null, "createdAt" timestamptz not null,
    primary key (uri, cid))`,
  `create index on node."tokenQuote" (customer, "createdAt")`,
  `create index on node."tokenQuote" (provider, "createdAt")`,
  `alter table node."tokenContent" add column quote text, add column "quoteCid" text`,
  `create index on node."tokenContent" (quote) where quote <> ''`,
  `create index on node."tokenContent" (account) where quote <> ''`,
  `create index on node."tokenContent" (id) where quote is null`,
  `create index on node."tokenJudgement" (reason) where reason is not null`,
]
