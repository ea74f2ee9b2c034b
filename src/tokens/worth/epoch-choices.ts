import { type Grant, grantShape } from '../grants.ts'
import type { Params } from '../epoch.ts'
import { SUPPLY_CAP } from '../amount.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { type Check, checkShape, did, fields, int, list } from '../shape.ts'
import { PERSONS_MAX } from './personhood.ts'
import type { VouchBudget } from './vouch-budget.ts'

/** What governance decides about minting in an epoch; who is rewarded and who counts as a person
 *  follows. Amounts are micro-tokens. */
export type Choices = {
  /** Budgets, each with its account and conditions. */
  readonly pools?: readonly Grant[]
  /** What is given outright: system grants. */
  readonly gifts?: readonly { readonly to: string; readonly amount: number }[]
  readonly nodeRewards?: {
    readonly amount: number
    /** Hours of the epoch that count; as many as it had unless it says. */
    readonly slots?: number
  }
  /** Most that the epoch may bring into being, all of the above together. */
  readonly total?: number
  /** How persons are counted; without it the epoch pins no snapshot. */
  readonly persons?: {
    readonly seeds: readonly string[]
    readonly capacities?: readonly number[]
    readonly most?: number
    readonly vouches?: VouchBudget
  }
  /** What changes of the params of the epoch before; null takes the account of fees away. */
  readonly params?: Omit<Partial<Params>, 'feeAccount'> & { readonly feeAccount?: string | null }
}

const micro = int(1, Number(SUPPLY_CAP))
/** Params are judged with the whole epoch. */
const anything: Check = () => undefined
const days = int(1, 36_500)

const shape = fields(
  {},
  {
    pools: list(grantShape, 0, 100),
    gifts: list(fields({ to: did, amount: micro }), 0, 900),
    nodeRewards: fields({ amount: micro }, { slots: int(1, 1_000_000) }),
    total: micro,
    persons: fields(
      { seeds: list(did, 1, 1_000) },
      {
        capacities: list(int(1, 2 ** 31 - 1), 1, 64),
        most: int(1, PERSONS_MAX),
        vouches: fields({ most: int(1, 1_000_000), days, daysMost: days }),
      },
    ),
    params: anything,
  },
)

/** Reads what governance has decided from a value of JSON. */
export function readChoices(
  value: unknown,
): { readonly ok: true; readonly choices: Choices } | Refusal {
  return checkShape(shape, value, 'choices') ?? { ok: true, choices: value as Choices }
}

/** Beside them a transfer has the signature of its sender. */
const APPROVALS_MAX = 15

/** Pools that mint for what somebody has done; what governance gives outright needs none. */
const POOLED = ['karma_reward', 'peer_recognition', 'justice_fund']

/**
 * Refuses a budget that would be open to whoever holds the key of its account: rewards for karma
 * are witnessed and capped, recognition is capped, and the justice fund needs approvals. `clusters`
 * is how many clusters of the epoch's persons have somebody who can witness; undefined without a
 * snapshot, on which witnesses and caps by bucket rest.
 */
export function checkPool(pool: Grant, clusters: number | undefined): Refusal | undefined {
  const { kind, witnesses, perRecipientCap, bucketCaps, approvals } = pool
  const no = (detail: string) => refuse('BadGrant', `the pool ${pool.pool ?? kind}: ${detail}`)
  if (pool.pool === undefined || !POOLED.includes(kind)) {
    return no(`a budget is for one of ${POOLED.join(', ')}, and names the account of its pool`)
  }
  const isCapped = perRecipientCap !== undefined || bucketCaps !== undefined
  if (kind === 'justice_fund') {
    if (approvals === undefined) return no('say who approves, and how many of them')
    return approvals > APPROVALS_MAX ? no(`a transfer holds ${APPROVALS_MAX} approvals`) : undefined
  }
  if (!isCapped) return no('say what one receiver may have: perRecipientCap or bucketCaps')
  if (kind === 'karma_reward' && witnesses === undefined) return no('say how many witnesses')
  if (clusters === undefined && (witnesses !== undefined || bucketCaps !== undefined)) {
    return no('witnesses and bucketCaps go by a snapshot: say how persons are counted')
  }
  return witnesses !== undefined && witnesses > (clusters ?? 0)
    ? no(`${witnesses} witnesses, but persons with keys are of ${clusters} clusters`)
    : undefined
}

/** Params with what is decided in their place; null takes one away. */
export function changedParams(params: Params, decided: Choices['params'] = {}): Params {
  const all = Object.entries({ ...params, ...decided }).filter(([, value]) => value !== null)
  return Object.fromEntries(all) as Params
}
