import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { rolesOf } from '../../../permissioned/audience.ts'
import { required } from '../../access.ts'
import { auditPage } from '../../audit-page.ts'
import { verifyAudit } from '../../audit.ts'
import { requirePermission } from '../../membership.ts'
import { type Mount, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

/** `spaces.listAuditEvents` and `verifyAudit`. Events name records of all audiences, so they are
 *  for those who read them all. */
export function spaceAudit(mount: Mount, { sql }: { readonly sql: Sql }): void {
  const chainFor = async (space: string, did: string) => {
    const { standing } = await requirePermission(sql, { space, did, permission: 'manage_space' })
    if (rolesOf('managers', 'read').includes(standing.role)) return space
    throw new ForbiddenError('The audit of a space is for its owner and admins.', 'Forbidden')
  }

  query(mount, co.kendev.spaces.listAuditEvents, async ({ params, viewer }) => {
    const chain = await chainFor(params.space, required(viewer).did)
    return (await auditPage(sql, { ...params, chain })) as never
  })

  query(mount, co.kendev.spaces.verifyAudit, async ({ params, viewer }) => {
    const chain = await chainFor(params.space, required(viewer).did)
    const { events, brokenAt } = await verifyAudit(sql, chain)
    return { events, holds: brokenAt === undefined, ...(brokenAt && { brokenAt }) }
  })
}
