import { type Kysely, sql } from 'kysely'

/** Several may name one domain, and only one can have proven it; what people and tenants use is
 *  noted beside their records. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  'alter table node.domain drop constraint domain_pkey, add primary key (domain, tenant)',
  `alter table node.domain add column "isActive" boolean not null default true,
    add column "challengedAt" timestamptz`,
  'create unique index on node.domain (domain) where "verifiedAt" is not null',
  'create index on node.domain (tenant)',
  `create index on node."pendingSpace" ((records->'space'->>'tenant'))`,
  'create index on node."pendingSpace" (did)',
  `create table node."tenantCalls" (
    tenant text not null, month text not null, calls bigint not null,
    primary key (tenant, month))`,
  `create table node."tenantActivity" (
    tenant text not null, did text not null, "lastActiveAt" timestamptz not null,
    visits integer not null, primary key (tenant, did))`,
  `create index on node."tenantActivity" (tenant, "lastActiveAt")`,
  `create table node."tenantStorage" (
    tenant text primary key, bytes bigint not null)`,
  `create table node.login (
    did text primary key, "lastLoginAt" timestamptz not null)`,
]
