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

/** How near a limit something is: at four fifths people are warned, at the limit no more is added
 *  (`domain.md` D-104). */
export function nearness(used: number, allowed: number): 'free' | 'warning' | 'full' {
  if (used >= allowed) return 'full'
  return used * 5 >= allowed * 4 ? 'warning' : 'free'
}
