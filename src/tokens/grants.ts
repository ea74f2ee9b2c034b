import { SUPPLY_CAP } from './amount.ts'
import { type Refusal, refuse } from './refusal.ts'
import { did, didKey, fields, int, list, oneOf } from './shape.ts'
import { KINDS, type Kind } from './transfer.ts'

/** What an epoch brings into being. With `pool` it is a budget, which the pool's account may spend
 *  in this epoch under the conditions named; what is left is burned. With `to` it is a
 *  gift. */
export type Grant = {
  readonly kind: Kind
  /** micro-tokens */
  readonly amount: number
  readonly pool?: string
  readonly to?: string
  readonly perTransferCap?: number
  /** Most that one receiver gets from the pool in the epoch, micro-tokens; by bucket of the
   *  receiver in the snapshot of persons where `bucketCaps` says so. */
  readonly perRecipientCap?: number
  readonly bucketCaps?: readonly number[]
  /** Witnesses a transfer needs, each of another cluster of the snapshot. */
  readonly witnesses?: number
  readonly approvers?: readonly { readonly did: string; readonly key: string }[]
  /** Approvers a transfer needs. */
  readonly approvals?: number
}

const micro = int(1, Number(SUPPLY_CAP))
const cap = int(0, Number(SUPPLY_CAP))

/** The shape of a grant in an epoch record. */
export const grantShape = fields(
  { kind: oneOf(...KINDS), amount: micro },
  {
    pool: did,
    to: did,
    perTransferCap: cap,
    perRecipientCap: cap,
    bucketCaps: list(cap, 6, 6),
    witnesses: int(1, 8),
    approvers: list(fields({ did, key: didKey }), 1, 16),
    approvals: int(1, 16),
  },
)

/** Sum of what grants bring into being, micro-tokens. */
export function grantedBy(grants: readonly Grant[]): bigint {
  return grants.reduce((all, { amount }) => all + BigInt(amount), 0n)
}

const CONDITIONS = [
  'perTransferCap',
  'perRecipientCap',
  'bucketCaps',
  'witnesses',
  'approvers',
  'approvals',
] as const

/** Refuses grants that contradict themselves: to a pool and outright, a pool twice, more approvals
 *  asked for than there are approvers, conditions where nobody would check them. */
export function checkGrants(grants: readonly Grant[]): Refusal | undefined {
  const pools = new Set<string>()
  for (const grant of grants) {
    const { pool, to, approvers = [], approvals = 0 } = grant
    if ((pool === undefined) === (to === undefined)) {
      return refuse('BadGrant', 'a grant is either a pool’s or somebody’s')
    }
    const condition = CONDITIONS.find((name) => grant[name] !== undefined)
    if (to !== undefined && condition) {
      return refuse('BadGrant', `${condition} of what is given outright is asked of nobody`)
    }
    if (pool !== undefined && pools.has(pool)) return refuse('BadGrant', `${pool} twice`)
    if (pool !== undefined) pools.add(pool)
    const people = new Set(approvers.map((one) => one.did))
    const keys = new Set(approvers.map((one) => one.key))
    if (people.size !== approvers.length || keys.size !== approvers.length) {
      return refuse('BadGrant', 'an approver twice')
    }
    if (approvals > approvers.length) return refuse('BadGrant', `${approvals} approvals`)
  }
  const receiver = grants.find(({ to }) => to !== undefined && pools.has(to))
  return receiver ? refuse('BadGrant', `${receiver.to} is a pool`) : undefined
}

/** The budgets of an epoch by the account that spends them. */
export function poolsOf(grants: readonly Grant[]): Map<string, Grant> {
  return new Map(grants.flatMap((grant) => (grant.pool === undefined ? [] : [[grant.pool, grant]])))
}
