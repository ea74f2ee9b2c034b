import { type Kysely, sql } from 'kysely'

/** What this node has found out about ledgers of tokens: epochs that follow from the pinned first
 *  one, certificates that hold, the transfers they are about, and what those come to. It follows
 *  from the records. What was here in time is kept though its record goes: what counts by a
 *  certificate counts whatever becomes of the record. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."tokenEpoch" (
    ledger text not null, epoch integer not null, id text not null, bytes bytea not null,
    print text, standing text, "isVerified" boolean not null default false,
    "foldedAt" timestamptz, primary key (ledger, epoch))`,
  `create table node."tokenJudgement" (
    uri text not null, cid text not null, ledger text not null, epoch integer not null,
    phase text not null, account text not null, seq text not null, transfer text not null,
    prev text, reason text, time timestamptz, signers text[],
    "isWitnessed" boolean not null, "judgedAt" timestamptz not null, primary key (uri, cid))`,
  `create index on node."tokenJudgement" (transfer)`,
  `create index on node."tokenJudgement" (ledger, account, seq)`,
  `create table node."tokenContent" (
    id text primary key, uri text not null, ledger text not null, epoch integer not null,
    account text not null, seq text not null, ref text, bytes bytea not null,
    "isCounted" boolean not null default false)`,
  `create index on node."tokenContent" (ledger, epoch)`,
  `create index on node."tokenContent" (ledger, account, seq)`,
  `create index on node."tokenContent" (ref) where ref is not null`,
  `create table node."tokenPosting" (
    ledger text not null, epoch integer not null, n integer not null, account text not null,
    amount bigint not null, reason text not null, granted text, transfer text,
    at timestamptz not null, primary key (ledger, epoch, n))`,
  `create index on node."tokenPosting" (account, ledger, epoch, n)`,
  `create index on node."tokenPosting" (transfer)`,
]
