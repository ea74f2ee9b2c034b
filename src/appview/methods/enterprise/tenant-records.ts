import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import type { Collection, Row } from '../../define.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'

/** Where a record for the staff of a tenant stands. */
export function staffOnly(tenant: string, c: Collection, rkey: string) {
  const place = audienceUri(tenant, 'staff', TENANT_SPACE)
  return { did: tenant, collection: c.nsid, rkey, place }
}

/** The row of a record, wherever it stands. */
export async function findOne(sql: Sql, c: Collection, uri: string): Promise<Row | undefined> {
  const { rows } = await sql.query<Row>(`select * from appview."${c.table}" where uri = $1`, [uri])
  return rows[0]
}

/** A record of the tenant itself. Throws `NotFound` for one of another. */
export async function requireOwn(
  sql: Sql,
  c: Collection,
  { uri, tenant }: { uri: string; tenant: string },
): Promise<Row> {
  const row = await findOne(sql, c, knownUri(uri))
  if (row?.did === tenant) return row
  throw notFound(`${c.table} ${uri}`)
}

/** When a record was first made; now, for a new one. */
export function madeAt(before: Row | undefined, now: string): string {
  return (before?.['content'] as { createdAt?: string } | undefined)?.createdAt ?? now
}
