import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { type AuditEvent, appendAudit } from '../../audit.ts'
import { moveOf } from '../../machine.ts'
import { nodeRoleOf } from '../../node-roles.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { type Limits, planOf } from '../../plans.ts'
import { type Mount, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import {
  type Tenant,
  findTenant,
  provisionView,
  requireTenant,
  tenantMachine,
} from '../../tenants.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & { readonly outbox: Outbox; readonly clock: Clock }
type Hosted = Tenant & { readonly did: string }

/** `platform.setTenantStatus`, `setTenantPlan` and `transferTenant`: what is changed of a tenant
 *  itself, each with its audit event in the transaction that changes it. */
export function tenantStatus(mount: Mount, deps: Deps): void {
  const { sql, outbox, clock } = deps
  const shown = async (did: string, isAdmin: boolean) =>
    provisionView(sql, (await findTenant(sql, did))!, isAdmin)

  superAdmin(mount, deps, co.kendev.platform.setTenantStatus, async ({ input, admin }) => {
    const { from, status: to, reason } = input
    const tenant = await requireTenant(sql, input.tenant)
    const move = moveOf(tenantMachine, tenant, { to, ...(from !== undefined && { from }) })
    if (!move) return shown(tenant.did, true)
    const at = clock.now()
    await outbox.transact(async (tx, queue) => {
      await change(tx, tenant, { set: 'status', to })
      await appendAudit(tx, {
        ...eventOf(tenant, admin.did, reason),
        action: co.kendev.platform.setTenantStatus.$lxm,
        at,
      })
      const data = { tenant: tenant.name, status: to, reason: reason ?? '' }
      const key = `${tenant.id} ${to} ${at.toISOString()}`
      const told = { recipient: tenant.owner, kind: 'tenantStatusChanged', key, data }
      await queue(noticeJob({ ...told, subject: tenant.did }))
    })
    return shown(tenant.did, true)
  })

  superAdmin(mount, deps, co.kendev.platform.setTenantPlan, async ({ input, admin }) => {
    const { plan, limits, reason } = input
    const tenant = await requireTenant(sql, input.tenant)
    const allowed = planOf(plan, limits as Limits | undefined)
    if (!allowed)
      throw new InvalidRequestError(`There is no plan ${plan} without limits.`, 'NotSupported')
    await outbox.transact(async (tx) => {
      await tx.query(
        `update node.tenant set plan = $2, limits = $3, features = $4, "updatedAt" = $5
         where did = $1`,
        [tenant.did, plan, JSON.stringify(allowed.limits), allowed.features, clock.now()],
      )
      const action = co.kendev.platform.setTenantPlan.$lxm
      await appendAudit(tx, { ...eventOf(tenant, admin.did, reason), action, at: clock.now() })
    })
    return shown(tenant.did, true)
  })

  procedure(mount, co.kendev.platform.transferTenant, async ({ input, viewer }) => {
    const { to, reason } = input
    const tenant = await requireTenant(sql, input.tenant)
    const role = await nodeRoleOf(sql, await deps.nodeAccount(), viewer.did)
    const isAdmin = role === 'super_admin'
    if (!isAdmin && tenant.owner !== viewer.did) throw await notTheirs(sql, tenant, viewer.did)
    if (!isAdmin) requireOpen(tenant)
    await outbox.transact(async (tx, queue) => {
      await requireAdministrator(tx, tenant, to)
      await change(tx, tenant, { set: 'owner', to })
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
    return (await shown(tenant.did, isAdmin)) as never
  })
}

function eventOf({ did }: Hosted, actor: string, reason: string | undefined) {
  const event = { chain: did, subject: did, actor, role: 'super_admin' }
  return { ...event, ...(reason !== undefined && { reason }) } satisfies Partial<AuditEvent>
}

/** Compare and swap: of two who change the same thing at one time the second hears that it has. */
async function change(
  tx: Sql,
  tenant: Hosted,
  { set, to }: { set: 'status' | 'owner'; to: string },
): Promise<void> {
  const { rowCount } = await tx.query(
    `update node.tenant set "${set}" = $2 where did = $1 and "${set}" = $3`,
    [tenant.did, to, tenant[set]],
  )
  if (rowCount === 1) return
  throw new InvalidRequestError('It has changed meanwhile. Read it again.', 'InvalidTransition')
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
