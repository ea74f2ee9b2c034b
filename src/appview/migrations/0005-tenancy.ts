import { type Kysely, sql } from 'kysely'

/** What a node keeps of its tenants beside their records: how they were set up, what they may use,
 *  who was invited, what was done in their name, and what people were told of it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table node."auditHead" (
    chain text primary key, seq bigint not null, hash bytea not null)`,
  `create table node."auditEvent" (
    chain text not null, seq bigint not null, at timestamptz not null, actor text not null,
    role text, action text not null, subject text not null, before text, after text, reason text,
    prev bytea not null, hash bytea not null,
    primary key (chain, seq))`,
  `create table node."pendingAct" (
    id text primary key, act jsonb not null, "createdAt" timestamptz not null)`,
  `create table node.notification (
    recipient text not null, id text not null, kind text not null, key text not null,
    subject text, data jsonb not null, "createdAt" timestamptz not null, "readAt" timestamptz,
    primary key (recipient, id), unique (recipient, key))`,
  `create table node."notificationOptOut" (
    did text not null, kind text not null, primary key (did, kind))`,
  `create table node.tenant (
    id text primary key, did text unique, subdomain text not null unique, name text not null,
    owner text not null, "businessType" text not null, template text not null,
    status text not null, plan text not null, limits jsonb not null, features text[] not null,
    billing jsonb not null, notes text, "isProvisioned" boolean not null default false,
    "provisionedAt" timestamptz, "trialEndsAt" timestamptz, "pastDueSince" timestamptz,
    "createdBy" text not null, "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`,
  `create index on node.tenant (status, id)`,
  `create table node."provisioningLog" (
    tenant text not null, n integer not null, action text not null, status text not null,
    details text, at timestamptz not null, primary key (tenant, n))`,
  `create table node."provisioningStep" (
    tenant text not null, step text not null, kept jsonb not null, primary key (tenant, step))`,
  `create table node.domain (
    domain text primary key, tenant text not null, type text not null, challenge text not null,
    "isPrimary" boolean not null, "verifiedAt" timestamptz, "createdAt" timestamptz not null)`,
  `create unique index on node.domain (tenant) where "isPrimary"`,
  `alter table node.invitation add column email text, add column message text,
    add column "anyEmail" boolean not null default true, alter column hash drop not null`,
]
