import { type Kysely, sql } from 'kysely'

/** What must hold between the records of a business, kept in the transaction that stores them, and
 *  to be made again from them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const KEY = 'text collate "C" not null'

const STATEMENTS = [
  'create extension if not exists btree_gist',
  // Whose turn it is to change a tenant's business.
  `create table repo.turn (tenant ${KEY} primary key)`,
  // Requests that were carried out, by the key their caller gave them (`domain.md` §11.5).
  `create table repo.once (
    tenant ${KEY}, caller ${KEY}, method ${KEY}, key ${KEY}, input bytea not null,
    answer jsonb not null, "createdAt" timestamptz not null,
    primary key (tenant, caller, method, key))`,
  'create index on repo.once ("createdAt")',
  // The space of each customer; whose it is stands there as a DID or as the hash of an address.
  `create table repo.customer (
    tenant ${KEY}, who ${KEY}, skey ${KEY}, primary key (tenant, who))`,
  // The last number of each series; a number is taken with the record that bears it.
  `create table repo.series (
    tenant ${KEY}, series ${KEY}, last bigint not null check (last > 0),
    primary key (tenant, series))`,
  // What is there, held for who is paying, and sold but not gone yet. An item is a product, or a
  // variant of one. Only as much as may be backordered is promised beyond what is there.
  `create table repo.stock (
    tenant ${KEY}, item ${KEY},
    "onHand" integer not null, reserved integer not null default 0 check (reserved >= 0),
    allocated integer not null default 0 check (allocated >= 0),
    "backorderLimit" integer not null default 0 check ("backorderLimit" >= 0),
    primary key (tenant, item))`,
  // Two rows for each booking and resource: the time itself, and with what is to be kept free
  // around it. Times of two bookings may not touch, nor may the one's time the other's free time
  // (`domain.md` §11.1).
  `create table repo.busy (
    tenant ${KEY}, resource ${KEY}, booking ${KEY},
    kind text not null check (kind in ('core', 'padded')),
    during tstzrange not null check (not isempty(during)),
    "holdUntil" timestamptz,
    primary key (tenant, booking, resource, kind),
    exclude using gist (tenant with =, resource with =, booking with <>, kind with <>,
      during with &&))`,
  'create index on repo.busy ("holdUntil") where "holdUntil" is not null',
  // Seats of events and of services for several people.
  `create table repo.seat (
    tenant ${KEY}, subject ${KEY}, capacity integer not null check (capacity >= 0),
    taken integer not null default 0 check (taken >= 0 and taken <= capacity),
    primary key (tenant, subject))`,
]
