import { floorShare } from '../appview/money/floor-share.ts'
import { type Refusal, refuse } from './refusal.ts'
import { did, fields, int, list, text } from './shape.ts'
import type { Credit } from './transfer.ts'

/** How a sum is divided among named legs: basis points that add up to 10,000, each share rounded
 *  down but the residual leg's, which has what is left. */
export type SplitPolicy = {
  readonly name: string
  readonly legs: readonly {
    readonly role: string
    readonly basisPoints: number
    readonly to?: string
  }[]
  /** Role of the leg that has what rounding leaves. */
  readonly residual: string
}

const role = text(32, /^[a-zA-Z]+$/)

/** The shape of a policy in an epoch record. */
export const splitPolicyShape = fields({
  name: text(64, /^[a-z0-9-]+$/),
  legs: list(fields({ role, basisPoints: int(1, 10_000) }, { to: did }), 1, 8),
  residual: role,
})

/** Whether a policy can be followed: legs of different roles that make a whole, one the residual;
 *  none is called `fee`, which stands beside every split. */
export function isSoundPolicy({ legs, residual }: SplitPolicy): boolean {
  const roles = new Set(legs.map((leg) => leg.role))
  const sum = legs.reduce((all, { basisPoints }) => all + basisPoints, 0)
  const isWhole = roles.size === legs.length && sum === 10_000
  return isWhole && roles.has(residual) && !roles.has('fee')
}

/** The shares of an amount by role, in micro-tokens; they add up to it exactly. */
export function sharesOf(policy: SplitPolicy, amount: bigint): Map<string, bigint> {
  const shares = new Map<string, bigint>()
  let left = amount
  for (const { role: name, basisPoints } of policy.legs) {
    if (name === policy.residual) continue
    const share = floorShare(amount, basisPoints)
    shares.set(name, share)
    left -= share
  }
  return shares.set(policy.residual, left)
}

/** Refuses credits that are not what the policy makes of their sum, fees apart. Legs whose share is
 *  nothing are left out. */
export function checkSplit(policy: SplitPolicy, credits: readonly Credit[]): Refusal | undefined {
  const legs = credits.filter((credit) => credit.role !== 'fee')
  const sum = legs.reduce((all, { amount }) => all + BigInt(amount), 0n)
  const shares = sharesOf(policy, sum)
  const due = policy.legs.filter((leg) => shares.get(leg.role) !== 0n)
  if (legs.length !== due.length) {
    return refuse('BadSplit', `${legs.length} legs, ${policy.name} makes ${due.length}`)
  }
  for (const { role: name, to } of due) {
    const given = legs.find((credit) => credit.role === name)
    const share = shares.get(name)
    if (!given || BigInt(given.amount) !== share || (to !== undefined && given.to !== to)) {
      return refuse('BadSplit', `${name} is due ${share}${to === undefined ? '' : ` at ${to}`}`)
    }
  }
  return undefined
}
