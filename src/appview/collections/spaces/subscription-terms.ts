const DAY_MS = 86_400_000
/** How late a payment may be (`domain.md` N-12). */
const GRACE_DAYS = 14

/** What a subscription comes to at some time follows from this much of it. */
export type Terms = {
  readonly status: string
  readonly currentPeriodEnd: Date | null
  readonly cancelAtPeriodEnd: boolean
  readonly pastDueSince: Date | null
}

/** The same day of the next month, or its last day where it has no such day; the day is that of
 *  `anchor`, so that one who began on the 31st comes back to it. UTC. */
export function monthAfter(from: Date, anchor: Date = from): Date {
  const next = new Date(from)
  next.setUTCDate(1)
  next.setUTCMonth(next.getUTCMonth() + 1)
  const days = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate()
  next.setUTCDate(Math.min(anchor.getUTCDate(), days))
  return next
}

/** Until when a subscription opens what its tier opens, as it stands (`domain.md` SM-10, N-12): the
 *  period that is paid for, and the days of grace where it is to be paid for again. */
export function accessUntil({
  status,
  currentPeriodEnd: end,
  cancelAtPeriodEnd,
  pastDueSince,
}: Terms): Date | null {
  if (status === 'past_due') return graceAfter(pastDueSince ?? end)
  if (end === null || status === 'incomplete') return null
  const goesOn = (status === 'active' || status === 'trialing') && !cancelAtPeriodEnd
  return goesOn ? graceAfter(end) : end
}

function graceAfter(from: Date | null): Date | null {
  return from && new Date(from.getTime() + GRACE_DAYS * DAY_MS)
}

/** What time does to a subscription: it is paid for again, ends, or stays as it is. */
export function dueStep(terms: Terms, now: Date): 'charge' | 'end' | undefined {
  const { status, currentPeriodEnd: end, cancelAtPeriodEnd } = terms
  if (status === 'past_due') return accessUntil(terms)! <= now ? 'end' : 'charge'
  if (!['trialing', 'active', 'paused'].includes(status) || end === null || end > now)
    return undefined
  if (cancelAtPeriodEnd) return 'end'
  return status === 'paused' ? undefined : 'charge'
}

/** The period that is paid for next: after the last one, or from now where that is long over. */
export function nextPeriod(
  end: Date,
  { now, anchor }: { now: Date; anchor: Date },
): { start: Date; end: Date } {
  const after = monthAfter(end, anchor)
  return after > now ? { start: end, end: after } : { start: now, end: monthAfter(now) }
}

/** Which try to be paid this is: one a day, the first on the day the period ended. */
export function attemptOn(end: Date, now: Date): number {
  return 1 + Math.max(0, Math.floor((now.getTime() - end.getTime()) / DAY_MS))
}
