import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { appendAudit } from '../../audit.ts'
import { nodeRoleOf } from '../../node-roles.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { type Mount, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { type Hosted, changeTenant, eventOf } from '../../tenant-change.ts'
import { findTenant, provisionView, requireTenant } from '../../tenants.ts'
import type { AdminDeps } from './super-admin.ts'

type Deps = AdminDeps & { readonly outbox: Outbox; readonly clock: Clock }

/** `platform.transferTenant`: its owner, or a super admin, hands a tenant over to one of its
 *  administrators. It has one owner at any time. */
export function transferTenant(mount: Mount, deps: Deps): void {
  const { sql, outbox, clock } = deps

  procedure(mount, co.kendev.platform.transferTenant, async ({ input, viewer }) => {
    const { to, reason } = input
    const tenant = await requireTenant(sql, input.tenant)
    const role = await nodeRoleOf(sql, await deps.nodeAccount(), viewer.did)
    const isAdmin = role === 'super_admin'
    if (!isAdmin && tenant.owner !== viewer.did) throw await notTheirs(sql, tenant, viewer.did)
    if (!isAdmin) requireOpen(tenant)
    await outbox.transact(async (tx, queue) => {
      await requireAdministrator(tx, tenant, to)
      await changeTenant(tx, tenant, { set: 'owner', to })
      const action = co.kendev.platform.transferTenant.$lxm
      const event = eventOf(tenant, viewer.did, reason)
      await appendAudit(tx, {
        ...event,
        role: isAdmin ? 'super_admin' : 'owner',
        action,
        at: clock.now(),
      })
      const key = `${tenant.id} ${to} ${clock.now().toISOString()}`
      const told = { recipient: to, kind: 'tenantTransferred', key, data: { tenant: tenant.name } }
      await queue(noticeJob({ ...told, subject: tenant.did }))
    })
    const handed = await findTenant(sql, tenant.did)
    return (await provisionView(deps, handed!, isAdmin)) as never
  })
}

async function notTheirs(sql: Sql, tenant: Hosted, did: string): Promise<Error> {
  const { rowCount } = await sql.query(
    `select 1 from repo.admission where authority = $1 and subject = $2 and status = 'active'`,
    [tenant.did, did],
  )
  if (rowCount === 0) return notFound(`tenant ${tenant.did}`)
  return new ForbiddenError('Only its owner hands a tenant over.', 'Forbidden')
}

async function requireAdministrator(tx: Sql, tenant: Hosted, did: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select 1 from repo.admission where authority = $1 and subject = $2
       and role = 'tenant_admin' and status = 'active' for share`,
    [tenant.did, did],
  )
  if (rowCount === 1) return
  throw new InvalidRequestError(
    'A tenant is handed over to one of its administrators. Make them one first.',
    'NotSupported',
  )
}
