import { type AuditEvent, appendAudit } from './audit.ts'
import { type Describing, describeDomains, describeJob } from './describe-domains.ts'
import type { Sql } from './sql.ts'
import { type Seen, requireTenantPermission } from './tenant-access.ts'

/** Somebody who manages the settings of a tenant, and so its domains. */
export function requireManager(
  sql: Sql,
  tenant: string,
  did: string,
  { reads = false }: { reads?: boolean } = {},
): Promise<Seen> {
  return requireTenantPermission(sql, { tenant, did, permission: 'manage_settings', reads })
}

type By = Pick<AuditEvent, 'actor' | 'role' | 'action'>

/** What the audit says of who changed a domain. */
export function byOf(actor: string, { standing }: Seen, action: string): By {
  return { actor, role: standing.role, action }
}

/** A change of a tenant's domains with its audit event; what everybody is to know of it is brought
 *  in step before the answer, and by a job if a stop comes in between. */
export async function changeDomains(
  deps: Describing,
  { tenant }: Seen,
  { by, apply, publishes }: { by: By; apply: (tx: Sql) => Promise<void>; publishes: boolean },
): Promise<void> {
  const at = deps.clock.now()
  await deps.outbox.transact(async (tx, queue) => {
    await apply(tx)
    await appendAudit(tx, { ...by, chain: tenant.did, subject: tenant.did, at })
    if (publishes) await queue(describeJob(tenant, by, `${by.action} ${at.toISOString()}`))
  })
  if (publishes) await describeDomains(deps, tenant.id, by)
}
