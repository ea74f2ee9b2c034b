import type { co } from '../../lexicons/index.ts'
import { subscription } from '../collections/spaces/subscription.ts'
import { recordUri } from '../reference.ts'
import type { Sql } from '../sql.ts'

/** What somebody's paid tier opens now (`domain.md` AC-06); nothing without one. It follows the
 *  period that is paid for, and has nothing to do with what they were granted. */
export async function paidAccess(
  sql: Sql,
  { space, did, now }: { space: string; did: string; now: Date },
): Promise<readonly string[] | undefined> {
  const { rows } = await sql.query<{ plan: string; tiers: Tier[] | null }>(PAID, [
    space,
    recordUri(space, subscription.nsid, did),
    now,
  ])
  const [paid] = rows
  if (!paid) return undefined
  return paid.tiers?.find(({ key }) => key === paid.plan)?.contentAccess ?? []
}

type Tier = co.kendev.spaces.space.SubscriptionTier

const PAID = {
  name: 'paid-access',
  text: `select t.plan, s.content->'monetization'->'subscriptionTiers' as tiers
    from appview.subscription t join appview.space s on s.did = t.did
    where t.did = $1 and t.uri = $2 and t."accessUntil" > $3`,
}
