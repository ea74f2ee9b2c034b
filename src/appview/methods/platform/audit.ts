import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { verifyAudit } from '../../audit.ts'
import { auditPage } from '../../audit-page.ts'
import { type Mount, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

/** `platform.listAuditEvents` and `verifyAudit`, for those who manage a tenant's settings. */
export function audit(mount: Mount, { sql }: { readonly sql: Sql }): void {
  const chainFor = async (tenant: string, did: string) => {
    const asks = { tenant, did, permission: 'manage_settings', reads: true } as const
    return (await requireTenantPermission(sql, asks)).tenant.did
  }

  query(mount, co.kendev.platform.listAuditEvents, async ({ params, viewer }) => {
    const chain = await chainFor(params.tenant, required(viewer).did)
    return (await auditPage(sql, { ...params, chain })) as never
  })

  query(mount, co.kendev.platform.verifyAudit, async ({ params, viewer }) => {
    const chain = await chainFor(params.tenant, required(viewer).did)
    const { events, brokenAt } = await verifyAudit(sql, chain)
    return { events, holds: brokenAt === undefined, ...(brokenAt && { brokenAt }) }
  })
}
