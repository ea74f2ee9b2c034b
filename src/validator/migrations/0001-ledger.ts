import { type Kysely, sql } from 'kysely'

/** The state of a validator: what it has promised, applied and seen, by ledger and epoch. Amounts
 *  are micro-tokens, which never leave the range of a bigint. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // "start" is the fence: a process writes only while it is the last one that has started.
  `create table ledger.validator (
    ledger text primary key,
    did text not null,
    epoch int not null,
    phase text not null check (phase in ('open', 'draining', 'sealed')),
    start int not null default 0
  )`,
  `create table ledger.account (
    ledger text not null,
    did text not null,
    seq bigint not null,
    head text,
    balance bigint not null,
    spent bigint not null,
    pins jsonb not null,
    primary key (ledger, did)
  )`,
  // The accounts that the epoch has begun with, which its end is computed from.
  `create table ledger.opening (
    ledger text not null,
    did text not null,
    seq bigint not null,
    head text,
    balance bigint not null,
    primary key (ledger, did)
  )`,
  // A row stays when its number was applied: no second vote for the number is ever possible.
  `create table ledger.lock (
    ledger text not null,
    epoch int not null,
    account text not null,
    seq bigint not null,
    id text not null,
    "senderKey" text not null,
    "observedAt" text not null,
    record bytea not null,
    primary key (ledger, account, seq, epoch)
  )`,
  `create table ledger.applied (
    ledger text not null,
    epoch int not null,
    account text not null,
    seq bigint not null,
    id text not null,
    "senderKey" text not null,
    "observedAt" text not null,
    record bytea not null,
    certificate bytea not null,
    receivers text[] not null,
    n bigint generated always as identity,
    primary key (ledger, account, seq, epoch)
  )`,
  `create index on ledger.applied (ledger, n)`,
  `create index on ledger.applied using gin (receivers)`,
  // What counts for good of the epochs that are closed.
  `create table ledger.settled (
    ledger text not null,
    account text not null,
    seq bigint not null,
    epoch int not null,
    id text not null,
    primary key (ledger, account, seq)
  )`,
  `create table ledger.minted (
    ledger text not null,
    epoch int not null,
    pool text not null,
    receiver text not null,
    amount bigint not null,
    primary key (ledger, epoch, pool, receiver)
  )`,
  // One pair convicts an account; anybody could sign a thousand.
  `create table ledger.evidence (
    ledger text not null,
    account text not null,
    seq bigint not null,
    first bytea not null,
    second bytea not null,
    primary key (ledger, account, seq)
  )`,
  `create table ledger.batch (
    ledger text not null,
    epoch int not null,
    number int not null,
    id text not null,
    head bytea not null,
    primary key (ledger, epoch, number)
  )`,
  `create table ledger.epoch (
    ledger text not null,
    epoch int not null,
    id text not null,
    record bytea not null,
    personhood bytea,
    primary key (ledger, epoch)
  )`,
  `create table ledger.seal (
    ledger text not null,
    epoch int not null,
    validator text not null,
    cid text not null,
    record bytea not null,
    primary key (ledger, epoch, validator)
  )`,
  // How far the list of each other validator was read.
  `create table ledger.peer (
    ledger text not null,
    did text not null,
    cursor text not null,
    primary key (ledger, did)
  )`,
  // One handover is signed at the end of an epoch, and no other.
  `create table ledger.handover (
    ledger text not null,
    epoch int not null,
    id text not null,
    primary key (ledger, epoch)
  )`,
]
