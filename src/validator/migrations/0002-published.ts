import { type Kysely, sql } from 'kysely'

/** How far a validator has published what is in its books, and evidence in an order to do so. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `alter table ledger.evidence add column n bigint generated always as identity`,
  `create table ledger.published (
    ledger text not null,
    kind text not null,
    place text not null,
    primary key (ledger, kind)
  )`,
]
