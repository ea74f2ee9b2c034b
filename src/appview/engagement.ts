const DAY_MS = 86_400_000

/** Over how many days a member's score is reckoned (`domain.md` N-13). */
export const WINDOW_DAYS = 90

/** What a member did within the window. */
export type Activity = {
  readonly messages: number
  readonly content: number
  readonly events: number
  readonly minutes: number
  readonly lastActive: Date | undefined
}

/** 0 to 100, a capped weighted sum (`domain.md` D-09, N-13). */
export function memberScore(did: Activity, now: Date): number {
  const sum =
    Math.min(2 * did.messages, 30) +
    Math.min(5 * did.content, 25) +
    Math.min(10 * did.events, 20) +
    Math.min(did.minutes / 60, 15) +
    recency(did.lastActive, now)
  return Math.round(sum)
}

function recency(lastActive: Date | undefined, now: Date): number {
  if (!lastActive) return 0
  const days = (now.getTime() - lastActive.getTime()) / DAY_MS
  if (days < 1) return 10
  return days < 7 ? 5 : 0
}

/** 0 to 100: half the mean of the members' scores, half how many of those active in thirty days
 *  were so in seven (`domain.md` D-14, N-13). Undefined for a space that nobody is active in. */
export function spaceScore(of: {
  readonly scores: number
  readonly members: number
  readonly weekly: number
  readonly monthly: number
}): number | undefined {
  const { scores, members, weekly, monthly } = of
  if (members === 0 || monthly === 0) return undefined
  return Math.round(0.5 * (scores / members) + (0.5 * 100 * weekly) / monthly)
}

/** 0 to 100, for a member without a lead of their own (`domain.md` D-10, N-14). */
export function leadScore(engagement: number, conversions: number): number {
  return Math.round((6 * engagement + 4 * Math.min(100, 10 * conversions)) / 10)
}

/** From how much net paid somebody is a `vip`, in minor units (`domain.md` N-14). */
const VIP_FROM = 100_000
const LEAD_FROM = 50

/** What a member is to the business (`domain.md` D-11, N-14). */
export function customerTier(of: {
  /** In minor units. */
  readonly netPaid: number
  readonly isSubscribed: boolean
  readonly leadScore: number
}): 'vip' | 'customer' | 'lead' | 'prospect' {
  if (of.netPaid >= VIP_FROM) return 'vip'
  if (of.netPaid > 0 || of.isSubscribed) return 'customer'
  return of.leadScore >= LEAD_FROM ? 'lead' : 'prospect'
}
