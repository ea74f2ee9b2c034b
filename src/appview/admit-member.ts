import type { Job } from '../jobs/jobs.ts'
import { TENANT_SPACE, audienceUri } from '../permissioned/audience.ts'
import { type Acting, act } from './act.ts'
import type { AuditEvent } from './audit.ts'
import { tenantMembership } from './collections/platform/tenant-membership.ts'
import { warnOwner } from './limits.ts'
import type { Sql } from './sql.ts'
import { type Tenant, usageOf } from './tenants.ts'

/** Writes a tenant's record of somebody who begins to work with it; a seat is taken where it is
 *  stored, and its owner hears when few are left. Throws `LimitExceeded`. */
export async function admitMember(
  deps: Acting,
  {
    tenant,
    did,
    about,
    by,
    effects = [],
  }: {
    tenant: Tenant & { did: string }
    did: string
    about: { role: string; invitedBy?: string; profile?: object }
    by: Pick<AuditEvent, 'actor' | 'action'>
    effects?: readonly Job[]
  },
): Promise<void> {
  const { sql, outbox, clock } = deps
  const collection = tenantMembership.nsid
  const place = audienceUri(tenant.did, 'members', TENANT_SPACE)
  const joinedAt = clock.now().toISOString()
  await act(deps, {
    at: { did: tenant.did, collection, rkey: did, place },
    record: { $type: collection, subject: did, ...about, joinedAt },
    by,
    effects,
  })
  const { users: used } = await usageOf(sql, tenant.did, clock.now())
  await warnOwner(outbox, tenant, { limit: 'users', used, allowed: tenant.limits.users })
}

/** How somebody stands to a tenant, and by which revision; undefined for who never has. */
export async function standingOf(
  sql: Sql,
  tenant: string,
  did: string,
): Promise<{ status: string; rev: string } | undefined> {
  const { rows } = await sql.query<{ status: string; rev: string }>(
    'select status, rev from repo.admission where authority = $1 and subject = $2',
    [tenant, did],
  )
  return rows[0]
}
