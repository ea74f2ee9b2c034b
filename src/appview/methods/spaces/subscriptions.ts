import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { subscription } from '../../collections/spaces/subscription.ts'
import { present } from '../../look.ts'
import { requireSpace, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { cancel, pause, resume, subscribe } from '../../subscriptions/subscribe.ts'
import { type By, type Held, type Subscribing, subscriptionOf } from '../../subscriptions/write.ts'

type Deps = Reading & Subscribing & { readonly isHosted: (did: string) => Promise<boolean> }

/** `spaces.subscribe`, `cancelSubscription`, `pauseSubscription`, `resumeSubscription` and
 *  `getOwnSubscription`: what members do about their own subscriptions. Whoever may not see a space
 *  any more still ends what they pay for there. */
export function subscriptions(mount: Mount, deps: Deps): void {
  const { sql } = deps
  const { spaces } = co.kendev

  procedure(mount, spaces.subscribe, async ({ input, viewer }) => {
    const { space, tier: key, paymentMethod: method } = input
    const by = await asMember(deps, { space, did: viewer.did, action: spaces.subscribe.$lxm })
    const tier = await tierOf(deps, space, key)
    const held = await subscriptionOf(sql, space, viewer.did)
    return (await viewOf(deps, await subscribe(deps, held, { tier, method, by }))) as never
  })

  procedure(mount, spaces.resumeSubscription, async ({ input, viewer }) => {
    const { space, paymentMethod: method } = input
    const action = spaces.resumeSubscription.$lxm
    const by = await asMember(deps, { space, did: viewer.did, action })
    const held = await ownOf(deps, space, viewer.did)
    return (await viewOf(deps, await resume(deps, held, { method, by }))) as never
  })

  procedure(mount, spaces.cancelSubscription, async ({ input, viewer }) => {
    const held = await ownOf(deps, input.space, viewer.did)
    const by = { actor: viewer.did, role: 'subscriber', action: spaces.cancelSubscription.$lxm }
    return (await viewOf(deps, await cancel(deps, held, by))) as never
  })

  procedure(mount, spaces.pauseSubscription, async ({ input, viewer }) => {
    const held = await ownOf(deps, input.space, viewer.did)
    const by = { actor: viewer.did, role: 'subscriber', action: spaces.pauseSubscription.$lxm }
    return (await viewOf(deps, await pause(deps, held, by))) as never
  })

  query(mount, spaces.getOwnSubscription, async ({ params, viewer }) => {
    const { did } = required(viewer)
    return (await viewOf(deps, await ownOf(deps, params.space, did))) as never
  })
}

/** Throws `NotFound` for a space that is not here or not to be seen, `NotAMember`. */
async function asMember(
  { sql, isHosted }: Deps,
  { space, did, action }: { space: string; did: string; action: string },
): Promise<By> {
  await requireSpace(sql, space, did)
  if (!(await isHosted(space))) throw notFound(`repo of ${space}`)
  const standing = await standingIn(sql, space, did)
  if (standing?.status !== 'active')
    throw new ForbiddenError('Only members subscribe. Join the space first.', 'NotAMember')
  return { actor: did, role: standing.role, action }
}

async function ownOf({ sql, isHosted }: Deps, space: string, did: string): Promise<Held> {
  const held = await subscriptionOf(sql, space, did)
  if (!held.row || !(await isHosted(space))) throw notFound(`subscription to ${space}`)
  return held
}

async function tierOf({ sql }: Deps, space: string, key: string) {
  const { rows } = await sql.query<{ monetization: co.kendev.spaces.space.Monetization | null }>(
    `select content->'monetization' as monetization from appview.space where did = $1`,
    [space],
  )
  const { enabled, subscriptionTiers = [] } = rows[0]?.monetization ?? {}
  const tier = subscriptionTiers.find((one) => one.key === key)
  if (!tier) throw notFound(`tier ${key}`)
  if (enabled) return tier
  throw new InvalidRequestError('This space sells no subscriptions now.', 'NotSupported')
}

async function viewOf({ sql, origin }: Deps, { row, did }: Held) {
  return (await present(subscription, row ? [row] : [], { sql, origin, viewer: did }))[0]
}
