import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { instant } from '../../define.ts'
import {
  type Invitation,
  findInvitation,
  invalidInvitation,
  makeInvitation,
  openInvitations,
  revokeInvitation,
} from '../../invitation.ts'
import { type Standing, requirePermission, requireSpace } from '../../membership.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { noticeJob } from '../../notify.ts'
import { outranks } from '../../permissions.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { spaceName } from '../../space-name.ts'
import type { Sql } from '../../sql.ts'
import { forbidden } from './member-standing.ts'

const DAYS = 7

type Deps = Reading & { readonly clock: Clock; readonly outbox: Outbox }

/** `spaces.createInvitation`, `declineInvitation`, `listInvitations` and `revokeInvitation`: nobody
 *  can hand on more than they have, and no answer but the first ever shows a token. */
export function invitations(mount: Mount, deps: Deps): void {
  const { sql, clock, outbox } = deps

  procedure(mount, co.kendev.spaces.createInvitation, async ({ input, viewer }) => {
    const { space, role = 'member', expiresInDays: days = DAYS } = input
    const standing = await requireInviter(sql, { space, did: viewer.did })
    if (!outranks(standing.role, role) && standing.role !== role)
      throw forbidden(`A ${standing.role} cannot make somebody ${role}.`)
    const createdBy = viewer.did
    const made = await makeInvitation(sql, { space, role, createdBy, days, now: clock.now() })
    return { invitation: view(made.invitation), token: made.token } as never
  })

  procedure(mount, co.kendev.spaces.declineInvitation, async ({ input, viewer }) => {
    const { space, inviteToken: token } = input
    const found = await findInvitation(sql, { space, token, did: viewer.did, clock })
    if (!(await revokeInvitation(sql, space, found.id))) throw invalidInvitation()
    const data = { who: viewer.did, space: await spaceName(sql, space) }
    const told = { recipient: found.createdBy, kind: 'spaceInvitationDeclined', key: found.id }
    await outbox.transact((_tx, queue) => queue(noticeJob({ ...told, data, subject: space })))
    return { space, status: 'declined' } as never
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

/** Throws `Forbidden` unless the person may invite, be it that the space lets its members do so. */
async function requireInviter(sql: Sql, asks: { space: string; did: string }): Promise<Standing> {
  const seen = await requireSpace(sql, asks.space, asks.did)
  const everybody = seen.inviteSettings?.membersCanInvite === true
  const permission = everybody ? 'post_messages' : 'invite_users'
  return (await requirePermission(sql, { ...asks, permission })).standing
}

function view({ createdAt, expiresAt, ...invitation }: Invitation) {
  return { ...invitation, createdAt: instant(createdAt), expiresAt: instant(expiresAt) }
}
