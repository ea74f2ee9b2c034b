import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Job, Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { appendAudit } from '../../audit.ts'
import { instant } from '../../define.ts'
import { revokeInvitation } from '../../invitation.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { decidesAbout, requireTenantPermission } from '../../tenant-access.ts'
import {
  INVITE,
  type TenantInvitation,
  issueToken,
  noteInvitation,
} from '../../tenant-invitation.ts'

type Deps = { readonly sql: Sql; readonly outbox: Outbox; readonly clock: Clock }

/** `platform.inviteMember`, `listTenantInvitations` and `revokeTenantInvitation`: nobody hands on
 *  more than they have. */
export function tenantInvitations(mount: Mount, { sql, outbox, clock }: Deps): void {
  const permission = 'manage_users'

  procedure(mount, co.kendev.platform.inviteMember, async ({ input, viewer }) => {
    const { role, email = null, message = null, anyEmail = false } = input
    const asks = { tenant: input.tenant, did: viewer.did, permission } as const
    const { tenant, standing } = await requireTenantPermission(sql, asks)
    if (!decidesAbout(standing.role, role))
      throw new ForbiddenError(`A ${standing.role} cannot make somebody ${role}.`, 'Forbidden')
    const createdBy = viewer.did
    const wish = { tenant: tenant.did, role, email, message, anyEmail, createdBy, now: clock.now() }
    const invitation = await outbox.transact(async (tx, queue) => {
      const noted = await noteInvitation(tx, wish)
      await appendAudit(tx, {
        chain: tenant.did,
        actor: viewer.did,
        role: standing.role,
        action: co.kendev.platform.inviteMember.$lxm,
        subject: tenant.did,
        at: clock.now(),
      })
      if (email !== null) await queue(letterOf(noted))
      return noted
    })
    if (email !== null) return { invitation: view(invitation) } as never
    const issued = await issueToken(sql, {
      tenant: tenant.did,
      id: invitation.id,
      now: clock.now(),
    })
    return { invitation: view(invitation), token: issued!.token } as never
  })

  query(mount, co.kendev.platform.listTenantInvitations, async ({ params, viewer }) => {
    const { limit, cursor } = params
    const asks = { tenant: params.tenant, did: required(viewer).did, permission } as const
    const { tenant } = await requireTenantPermission(sql, { ...asks, reads: true })
    const [at = null, id = null] = startOf(cursor)
    const { rows } = await sql.query<TenantInvitation>(OPEN, [
      tenant.did,
      clock.now(),
      limit + 1,
      at,
      id,
    ])
    const { page, next } = pageOf(rows, limit)
    return { items: page.map(view), ...next } as never
  })

  procedure(mount, co.kendev.platform.revokeTenantInvitation, async ({ input, viewer }) => {
    const asks = { tenant: input.tenant, did: viewer.did, permission } as const
    const { tenant } = await requireTenantPermission(sql, { ...asks, reads: true })
    if (!(await revokeInvitation(sql, tenant.did, input.id)))
      throw notFound(`open invitation ${input.id}`)
    return { id: input.id }
  })
}

const OPEN = `select space as tenant, id, role, email, message, "createdBy", "createdAt",
    "expiresAt" from node.invitation
  where space = $1 and "usedAt" is null and "expiresAt" > $2
    and ($4::timestamptz is null or ("createdAt", id) < ($4, $5))
  order by "createdAt" desc, id desc limit $3`

function letterOf({ tenant, id }: TenantInvitation): Job {
  return { queue: INVITE, key: id, data: { tenant, id } }
}

function view(invitation: TenantInvitation) {
  const { email, message, createdAt, expiresAt, tenant, id, role, createdBy } = invitation
  return {
    id,
    tenant,
    role,
    createdBy,
    ...(email !== null && { email }),
    ...(message !== null && { message }),
    createdAt: instant(createdAt),
    expiresAt: instant(expiresAt),
  }
}
