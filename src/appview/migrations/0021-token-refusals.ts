import { type Kysely, sql } from 'kysely'

/** Why validators have last refused a transfer of an account of this node. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table node."tokenRefusal" (
        uri text primary key, cid text not null, reason text not null, detail text not null,
        at timestamptz not null)`,
    )
    .execute(db)
}
