import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, act } from '../../act.ts'
import { tenantMembership } from '../../collections/platform/tenant-membership.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { moveOf } from '../../machine.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import {
  type Seen,
  decidesAbout,
  requireOpen,
  requireTenantMember,
  tenantAllows,
} from '../../tenant-access.ts'

type Deps = Reading & Acting

/** `platform.updateTenantMember` and `leaveTenant`. What is taken from somebody ends with the
 *  answer; seats and the last administrator are kept where the record is stored. */
export function tenantMembers(mount: Mount, deps: Deps): void {
  const { sql } = deps
  const collection = tenantMembership.nsid
  const atOf = (tenant: string, rkey: string) => {
    const place = audienceUri(tenant, 'members', TENANT_SPACE)
    return { did: tenant, collection, rkey, place }
  }

  procedure(mount, co.kendev.platform.updateTenantMember, async ({ input, viewer }) => {
    const { member, reason, tenant: did, ...change } = input
    const seen = await requireTenantMember(sql, { tenant: did, did: viewer.did })
    requireOpen(seen.tenant)
    const row = await requireRow(sql, did, member)
    requireMay(seen, { row, change, isOwn: member === viewer.did })
    const { status } = change
    const move =
      status === undefined ? undefined : moveOf(tenantMembership.machine!, row, { to: status })
    const record = { ...recordOf(row), ...change, updatedAt: deps.clock.now().toISOString() }
    const isSame = Object.entries(change).every(
      ([name, value]) => JSON.stringify(row[name]) === JSON.stringify(value),
    )
    if (isSame) return (await membershipView(deps, did, member)) as never
    const data = { tenant: seen.tenant.name, role: record.role, status: record.status }
    const key = `${did} ${member} ${record.updatedAt}`
    const told = { recipient: member, kind: 'membershipChanged', key, data, subject: did }
    await act(deps, {
      at: atOf(did, member),
      record: { $type: collection, ...record },
      swap: row.cid,
      by: {
        actor: viewer.did,
        role: seen.standing.role,
        action: co.kendev.platform.updateTenantMember.$lxm,
        ...(reason !== undefined && { reason }),
      },
      effects: move || change.role !== undefined ? [noticeJob(told)] : [],
    })
    return (await membershipView(deps, did, member)) as never
  })

  procedure(mount, co.kendev.platform.leaveTenant, async ({ input, viewer }) => {
    const { tenant } = input
    const { standing } = await requireTenantMember(sql, { tenant, did: viewer.did })
    await act(deps, {
      at: atOf(tenant, viewer.did),
      record: undefined,
      by: {
        actor: viewer.did,
        role: standing.role,
        action: co.kendev.platform.leaveTenant.$lxm,
      },
    })
    return { tenant } as never
  })
}

type Change = { role?: string; permissions?: readonly string[]; status?: string }

/** Everybody changes their own profile; all else is for those who manage people, about those they
 *  decide about, and never more than they have themselves. */
function requireMay(
  { standing }: Seen,
  { row, change, isOwn }: { row: Row; change: Change; isOwn: boolean },
): void {
  const { role, permissions, status } = change
  const onlyProfile = (role ?? permissions ?? status) === undefined
  if (onlyProfile && isOwn) return
  if (!tenantAllows(standing, 'manage_users'))
    throw new ForbiddenError(
      `A ${standing.role} of this tenant may not do this: it needs manage_users.`,
      'Forbidden',
    )
  for (const about of [String(row['role']), role])
    if (about !== undefined && !decidesAbout(standing.role, about))
      throw new ForbiddenError(`A ${standing.role} does not decide about a ${about}.`, 'Forbidden')
  const more = permissions?.find((one) => !tenantAllows(standing, one))
  if (more !== undefined)
    throw new ForbiddenError(`You cannot grant ${more}, which you do not have.`, 'Forbidden')
}

async function requireRow(sql: Deps['sql'], tenant: string, member: string): Promise<Row> {
  const { rows } = await sql.query<Row>('select * from appview."tenantMembership" where uri = $1', [
    recordUri(tenant, tenantMembership.nsid, member),
  ])
  if (rows[0]) return rows[0]
  throw notFound(`membership of ${member}`)
}

function recordOf(row: Row) {
  const { subject, role, permissions, status, invitedBy, profile, joinedAt } = row
  return {
    subject,
    role: String(role),
    permissions,
    status: String(status),
    ...(invitedBy === null ? {} : { invitedBy }),
    ...(profile === null ? {} : { profile }),
    joinedAt: (joinedAt as Date).toISOString(),
  }
}

/** One membership of a tenant, as views show it. */
export async function membershipView(deps: Reading, tenant: string, member: string) {
  const row = await requireRow(deps.sql, tenant, member)
  return (await present(tenantMembership, [row], deps))[0]
}
