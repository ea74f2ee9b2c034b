import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { instant } from '../../define.ts'
import {
  type Invitation,
  makeInvitation,
  openInvitations,
  revokeInvitation,
} from '../../invitation.ts'
import { requirePermission } from '../../membership.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { outranks } from '../../permissions.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { forbidden } from './update-member.ts'

const DAYS = 7

/** `spaces.createInvitation`, `spaces.listInvitations` and `spaces.revokeInvitation`: nobody can
 *  hand on more than they have, and no answer but the first ever shows a token. */
export function invitations(mount: Mount, deps: Reading & { readonly clock: Clock }): void {
  const { sql, clock } = deps

  procedure(mount, co.kendev.spaces.createInvitation, async ({ input, viewer }) => {
    const { space, role = 'member', expiresInDays: days = DAYS } = input
    const asks = { space, did: viewer.did, permission: 'invite_users' } as const
    const { standing } = await requirePermission(sql, asks)
    if (!outranks(standing.role, role) && standing.role !== role)
      throw forbidden(`A ${standing.role} cannot make somebody ${role}.`)
    const createdBy = viewer.did
    const made = await makeInvitation(sql, { space, role, createdBy, days, now: clock.now() })
    return { invitation: view(made.invitation), token: made.token } as never
  })

  query(mount, co.kendev.spaces.listInvitations, async ({ params, viewer }) => {
    const { space, limit, cursor } = params
    const asks = { space, did: required(viewer).did, permission: 'invite_users' } as const
    await requirePermission(sql, asks)
    const before = startOf(cursor)
    const now = clock.now()
    const found = await openInvitations(sql, { space, now, limit: limit + 1, before })
    const { page, next } = pageOf(found, limit)
    return { items: page.map(view), ...next } as never
  })

  procedure(mount, co.kendev.spaces.revokeInvitation, async ({ input, viewer }) => {
    const { space, id } = input
    await requirePermission(sql, { space, did: viewer.did, permission: 'invite_users' })
    if (!(await revokeInvitation(sql, space, id))) throw notFound(`open invitation ${id}`)
    return { id }
  })
}

function view({ createdAt, expiresAt, ...invitation }: Invitation) {
  return { ...invitation, createdAt: instant(createdAt), expiresAt: instant(expiresAt) }
}
