import type { Outbox } from '../jobs/jobs.ts'
import { limitExceeded, warnOwner } from './limits.ts'
import type { Sql } from './sql.ts'
import type { Tenant } from './tenants.ts'

/** Bytes in a megabyte, as plans count them. */
const MB = 1_000_000

/** How many megabytes these bytes are, rounded up. */
export function megabytes(bytes: number): number {
  return Math.ceil(bytes / MB)
}

type Holder = Pick<Tenant, 'id' | 'name' | 'owner'> & { did: string; allowedMb: number }

/**
 * Runs an upload for a tenant within its storage: as many bytes as it says it has are taken before,
 * and what it turned out to have afterwards, so that many at one time are not more than one after
 * the other. Throws `LimitExceeded`. For an account of no tenant it just runs.
 */
export async function withinStorage<T extends { readonly size: number }>(
  { sql, outbox }: { sql: Sql; outbox: Outbox },
  { about, length = 0 }: { about: string; length: number | undefined },
  upload: () => Promise<T>,
): Promise<T> {
  const { rows } = await sql.query<Holder>(HOLDER, [about])
  const [tenant] = rows
  if (!tenant) return upload()
  await take(sql, tenant, length)
  let size = 0
  try {
    const stored = await upload()
    size = stored.size
    return stored
  } finally {
    await sql.query('update node."tenantStorage" set bytes = bytes + $2 where tenant = $1', [
      tenant.id,
      size - length,
    ])
    await warn(sql, outbox, tenant)
  }
}

const HOLDER = `select t.id, t.did, t.name, t.owner, (t.limits->>'storageMb')::int as "allowedMb"
  from node.tenant t
  where t.did = $1 or t.did = (
    select p.records->'space'->>'tenant' from node."pendingSpace" p where p.did = $1 limit 1)`

async function take(sql: Sql, tenant: Holder, length: number): Promise<void> {
  await sql.query(
    'insert into node."tenantStorage" (tenant, bytes) values ($1, 0) on conflict do nothing',
    [tenant.id],
  )
  const { rowCount } = await sql.query(
    `update node."tenantStorage" set bytes = bytes + $2
     where tenant = $1 and bytes + greatest($2, 1) <= $3::bigint`,
    [tenant.id, length, tenant.allowedMb * MB],
  )
  if (rowCount === 1) return
  const used = megabytes(await bytesOf(sql, tenant.id))
  throw limitExceeded(
    { limit: 'storageMb', used, allowed: tenant.allowedMb },
    `This file has ${length} bytes. Delete files that are not needed, or change the plan.`,
  )
}

async function warn(sql: Sql, outbox: Outbox, tenant: Holder): Promise<void> {
  const used = megabytes(await bytesOf(sql, tenant.id))
  await warnOwner(outbox, tenant, { limit: 'storageMb', used, allowed: tenant.allowedMb })
}

async function bytesOf(sql: Sql, id: string): Promise<number> {
  const { rows } = await sql.query<{ bytes: string }>(
    'select bytes from node."tenantStorage" where tenant = $1',
    [id],
  )
  return Number(rows[0]?.bytes ?? 0)
}

/** Measures anew what the repos of all tenants hold: deleted files are free again, and what a stop
 *  has cut off is not counted. */
export async function measureStorage(m: {
  sql: Sql
  /** The bytes of all blobs in public repos of these accounts. */
  blobBytes: (dids: readonly string[]) => Promise<number>
}): Promise<void> {
  const { rows } = await m.sql.query<{ id: string; dids: string[] }>(ACCOUNTS)
  for (const { id, dids } of rows) {
    const open = await m.blobBytes(dids)
    const { rows: closed } = await m.sql.query<{ bytes: string | null }>(
      'select sum(size) as bytes from repo.blob where did = any($1)',
      [dids],
    )
    await m.sql.query(
      `insert into node."tenantStorage" (tenant, bytes) values ($1, $2)
       on conflict (tenant) do update set bytes = excluded.bytes`,
      [id, open + Number(closed[0]?.bytes ?? 0)],
    )
  }
}

const ACCOUNTS = `select t.id, array_agg(x.did) as dids from node.tenant t
  cross join lateral (
    select t.did union all
    select p.did from node."pendingSpace" p
    where p.did is not null and p.records->'space'->>'tenant' = t.did) x(did)
  where t.did is not null group by t.id`
