import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { appendAudit } from '../../audit.ts'
import { billingTerms } from '../../billing-terms.ts'
import { moveOf } from '../../machine.ts'
import { noticeJob } from '../../notify.ts'
import { type Limits, planOf } from '../../plans.ts'
import type { Mount } from '../../serve.ts'
import { featuresOf } from '../../tenant-templates.ts'
import { changeTenant, eventOf } from '../../tenant-change.ts'
import { findTenant, provisionView, requireTenant, tenantMachine } from '../../tenants.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & { readonly outbox: Outbox; readonly clock: Clock }

/** `platform.setTenantStatus` and `setTenantPlan`: what super admins change of a tenant itself,
 *  each with its audit event in the transaction that changes it. */
export function tenantStatus(mount: Mount, deps: Deps): void {
  const { sql, outbox, clock } = deps
  const shown = async (did: string, isAdmin: boolean) =>
    provisionView(deps, (await findTenant(sql, did))!, isAdmin)

  superAdmin(mount, deps, co.kendev.platform.setTenantStatus, async ({ input, admin }) => {
    const { from, status: to, reason } = input
    const tenant = await requireTenant(sql, input.tenant)
    const move = moveOf(tenantMachine, tenant, { to, ...(from !== undefined && { from }) })
    if (!move) return shown(tenant.did, true)
    const at = clock.now()
    await outbox.transact(async (tx, queue) => {
      await changeTenant(tx, tenant, { set: 'status', to })
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
    const billing = billingTerms(input)
    const tenant = await requireTenant(sql, input.tenant)
    const allowed = planOf(plan, limits as Limits | undefined)
    if (!allowed)
      throw new InvalidRequestError(`There is no plan ${plan} without limits.`, 'NotSupported')
    await outbox.transact(async (tx) => {
      await tx.query(
        `update node.tenant set plan = $2, limits = $3, features = $4, "updatedAt" = $5,
           billing = billing || $6::jsonb where did = $1`,
        [
          tenant.did,
          plan,
          JSON.stringify(allowed.limits),
          featuresOf(tenant.template, allowed.features),
          clock.now(),
          JSON.stringify(billing),
        ],
      )
      const action = co.kendev.platform.setTenantPlan.$lxm
      await appendAudit(tx, { ...eventOf(tenant, admin.did, reason), action, at: clock.now() })
    })
    return shown(tenant.did, true)
  })
}
