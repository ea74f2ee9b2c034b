/** The most a tenant may have of each thing. */
export type Limits = {
  readonly users: number
  readonly spaces: number
  readonly storageMb: number
  readonly apiCallsPerMonth: number
  readonly products: number
  readonly ordersPerMonth: number
}

type Plan = { readonly limits: Limits; readonly features: readonly string[] }

function limits(
  users: number,
  spaces: number,
  storageMb: number,
  [apiCallsPerMonth, products, ordersPerMonth]: readonly [number, number, number],
): Limits {
  return { users, spaces, storageMb, apiCallsPerMonth, products, ordersPerMonth }
}

const STARTER = ['crm', 'ecommerce', 'projects']
const PROFESSIONAL = [...STARTER, 'analytics', 'api', 'webhooks']
const BUSINESS = [...PROFESSIONAL, 'branding', 'priority-support']

/** What each plan allows (`domain.md` N-06); a custom plan says its limits itself. */
const PLANS: Readonly<Record<string, Plan>> = {
  free: { limits: limits(5, 1, 100, [10_000, 20, 50]), features: ['crm'] },
  starter: { limits: limits(10, 3, 1_000, [10_000, 100, 1_000]), features: STARTER },
  professional: {
    limits: limits(50, 10, 10_000, [100_000, 1_000, 5_000]),
    features: PROFESSIONAL,
  },
  business: { limits: limits(200, 50, 50_000, [500_000, 5_000, 25_000]), features: BUSINESS },
  enterprise: {
    limits: limits(1_000, 200, 250_000, [5_000_000, 50_000, 250_000]),
    features: [...BUSINESS, 'sso', 'white-label'],
  },
}

/** How long a trial lasts (`domain.md` N-06). */
export const TRIAL_DAYS = 14
/** How late a payment may be (`domain.md` N-12). */
export const PAST_DUE_DAYS = 14

/** What a plan allows; undefined for one that nobody knows, or whose limits have to be given. */
export function planOf(plan: string, given?: Limits): Plan | undefined {
  if (plan === 'custom') return given && { limits: given, features: PLANS['enterprise']!.features }
  if (!Object.hasOwn(PLANS, plan)) return undefined
  const { limits: usual, features } = PLANS[plan]!
  return { limits: given ?? usual, features }
}

/** What a tenant pays for each period, in minor units. */
export type Price = { readonly amount: number; readonly currency: string }

const MONTHS: Readonly<Record<string, number>> = { monthly: 1, quarterly: 3, annually: 12 }

/** How many months a billing cycle has; undefined for one that nobody knows. */
export function cycleMonths(cycle: string): number | undefined {
  return Object.hasOwn(MONTHS, cycle) ? MONTHS[cycle] : undefined
}

/** What a price comes to for a month, in minor units, halves up (`domain.md` D-18). */
export function monthlyRevenue({ amount }: Price, cycle: string): number {
  return Math.floor((2 * amount) / (cycleMonths(cycle) ?? 1) / 2 + 0.5)
}

/** The period that `now` is in, counted from `start` in steps of a cycle. A start late in a month
 *  ends on the last day of months that are shorter, and on its own day again after those. */
export function periodAt(start: Date, cycle: string, now: Date): { start: Date; end: Date } {
  const step = cycleMonths(cycle) ?? 1
  const months = (now.getUTCFullYear() - start.getUTCFullYear()) * 12
  const passed = months + now.getUTCMonth() - start.getUTCMonth()
  let n = Math.max(0, Math.floor(passed / step))
  if (n > 0 && monthsLater(start, n * step) > now) n -= 1
  return { start: monthsLater(start, n * step), end: monthsLater(start, (n + 1) * step) }
}

function monthsLater(start: Date, months: number): Date {
  const later = new Date(start)
  later.setUTCDate(1)
  later.setUTCMonth(start.getUTCMonth() + months)
  const days = new Date(Date.UTC(later.getUTCFullYear(), later.getUTCMonth() + 1, 0)).getUTCDate()
  later.setUTCDate(Math.min(start.getUTCDate(), days))
  return later
}

/** How near a limit something is: at four fifths people are warned, at the limit no more is added
 *  (`domain.md` D-104). */
export function nearness(used: number, allowed: number): 'free' | 'warning' | 'full' {
  if (used >= allowed) return 'full'
  return used * 5 >= allowed * 4 ? 'warning' : 'free'
}
