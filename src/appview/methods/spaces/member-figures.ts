import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { instant } from '../../define.ts'
import { customerTier, leadScore } from '../../engagement.ts'
import { engagementOf } from '../../member-activity.ts'
import { requirePermission, requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { netPaid } from '../../subscriptions/charge.ts'
import { contentOf, subscriptionOf } from '../../subscriptions/write.ts'

type Deps = Reading & { readonly clock: Clock }

/** `spaces.getMemberEngagement`, for the member and for who may view analytics, and
 *  `spaces.getMemberCrmFigures`, for those who manage the space (`domain.md` AC-10). Nobody claims
 *  any of it. */
export function memberFigures(mount: Mount, { sql, clock }: Deps): void {
  query(mount, co.kendev.spaces.getMemberEngagement, async ({ params, viewer }) => {
    const { space, member } = params
    const { did } = required(viewer)
    await requireSpace(sql, space, did)
    if (did !== member) await requirePermission(sql, { space, did, permission: 'view_analytics' })
    await requireActive(space, member)
    const now = clock.now()
    const found = await engagementOf(sql, { space, did: member, viewer: did, now })
    return {
      space,
      subject: member,
      messagesCount: found.messages,
      contentCreated: found.content,
      eventsAttended: 0,
      totalTimeSpent: 0,
      lastActive: found.lastActive && instant(found.lastActive),
      engagementScore: found.score,
    } as never
  })

  query(mount, co.kendev.spaces.getMemberCrmFigures, async ({ params, viewer }) => {
    const { space, member } = params
    const { did } = required(viewer)
    await requirePermission(sql, { space, did, permission: 'manage_space' })
    await requireActive(space, member)
    const now = clock.now()
    const { row } = await subscriptionOf(sql, space, member)
    const { events = [], status } = row ? contentOf(row) : {}
    const engaged = await engagementOf(sql, { space, did: member, viewer: did, now })
    const score = leadScore(engaged.score, events.length)
    const paid = await netPaid(sql, space, member)
    const isSubscribed = status === 'active'
    const times = [engaged.lastActive?.toISOString(), ...events.map(({ at }) => at)]
    return {
      space,
      subject: member,
      leadScore: score,
      customerTier: customerTier({ netPaid: paid, isSubscribed, leadScore: score }),
      lastInteraction: times
        .filter((time) => time !== undefined)
        .toSorted()
        .at(-1),
      conversionEvents: events,
    } as never
  })

  async function requireActive(space: string, member: string): Promise<void> {
    const standing = await standingIn(sql, space, member)
    if (standing?.status !== 'active') throw notFound(`active member ${member}`)
  }
}
