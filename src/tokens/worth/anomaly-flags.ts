import type { Kind } from '../transfer.ts'
import { type Payment, isInCircle } from './circular-flow.ts'
import { DAY, readInstant } from './read-instant.ts'
import { type Exchange, type ExchangeAnswer, hasUnmatchedLeg } from './unmatched-legs.ts'

const HOUR = 3_600_000
/** Most transfers that an account sends in an hour without being noticed. */
const HOURLY_MAX = 20
/** How long an account is new. */
const NEW_FOR = 7 * DAY

/** A transfer, certified or not. */
export type SeenTransfer = {
  readonly id: string
  readonly from: string
  readonly epoch: number
  readonly seq: number
  readonly kind: Kind
  /** When it was certified; when it was made, if it was not. */
  readonly at: string
  readonly isCertified: boolean
  readonly credits: readonly {
    readonly to: string
    /** micro-tokens */
    readonly amount: bigint
    readonly role?: string
  }[]
  /** Its witnesses of different clusters. */
  readonly witnesses: number
  /** What its sender had before it, micro-tokens. Without it nobody says how large a part it is. */
  readonly balanceBefore?: bigint
}

/** What is known of an account on one ledger. */
export type AccountHistory = {
  readonly account: string
  /** Those it has sent, and those to it. */
  readonly transfers: readonly SeenTransfer[]
  /** Others between those it deals with, to find circles by. */
  readonly around?: readonly SeenTransfer[]
  /** Its last number before these transfers: 0 unless it says. */
  readonly seqBefore?: number
  /** When accounts came into being. Of others it is not said that they are new. */
  readonly bornAt?: ReadonlyMap<string, string>
  /** Witnesses that a reward for karma needs: 1 unless it says. */
  readonly witnessesNeeded?: number
  /** micro-tokens: what it had before these transfers, grants of the time between with it, and
   *  what it is said to have. */
  readonly balance?: { readonly opening: bigint; readonly stated: bigint }
  readonly exchanges?: readonly Exchange[]
  readonly answers?: readonly ExchangeAnswer[]
  /** milliseconds since 1970 */
  readonly now: number
}

type Rule = (history: AccountHistory, own: readonly SeenTransfer[]) => boolean

const RULES = {
  /** A transfer to its own sender. */
  self_transfer: ({ account }, own) =>
    own.some(({ credits }) => credits.some(({ to }) => to === account)),
  seq_gap: hasGap,
  equivocation: hasEquivocated,
  high_frequency: isHurried,
  large_to_new_account: paysNewcomer,
  /** Three who pay each other in turn within a day. */
  circular_flow: ({ account, transfers, around = [] }) =>
    isInCircle(account, paymentsOf([...transfers, ...around]), DAY),
  /** A reward for karma with fewer witnesses than it needs, given or got. */
  reward_without_witness: ({ transfers, witnessesNeeded = 1 }) =>
    transfers.some((one) => one.kind === 'karma_reward' && one.witnesses < witnessesNeeded),
  balance_mismatch: isMisstated,
  /** Paid as a liquidity provider and neither delivered nor given back, or the other way about. */
  unmatched_exchange_leg: ({ account: provider, exchanges = [], answers = [], now }) =>
    hasUnmatchedLeg({ provider, exchanges, answers, now }),
} as const satisfies Readonly<Record<string, Rule>>

/** What may be odd about an account. */
export type AnomalyFlag = keyof typeof RULES

/**
 * What is odd about an account, in the order above, each once. A flag is a reason for people to
 * look, and no proof: three friends who share a bill make a circle.
 *
 * A transfer that comes twice, by its id, counts once. What is not certified counts too, but for
 * circles and the balance. What has no readable time is left out where time matters. Legs of fees
 * make no circle and are no payment to a newcomer. The time is n · log n of the transfers given.
 *
 * Not seen: what is split below a limit (twice 50 % of a balance, twenty transfers an hour, three
 * accounts where the circle is of four); what hides in accounts that nothing links; transfers that
 * are not given. Pools send many, and to newcomers, by design: flags of theirs mean little.
 */
export function anomalyFlags(history: AccountHistory): AnomalyFlag[] {
  const transfers = onceEach(history.transfers)
  const own = transfers.filter(({ from }) => from === history.account)
  const known = { ...history, transfers }
  const names = Object.keys(RULES) as AnomalyFlag[]
  return names.filter((name) => (RULES[name] as Rule)(known, own))
}

function onceEach(transfers: readonly SeenTransfer[]): SeenTransfer[] {
  return [...new Map(transfers.map((one) => [one.id, one])).values()]
}

/** A number without a transfer below one that has one. */
function hasGap({ seqBefore = 0 }: AccountHistory, own: readonly SeenTransfer[]): boolean {
  const later = new Set(own.map(({ seq }) => seq).filter((seq) => seq > seqBefore))
  // As many different numbers as the highest one is above the last known: none is left out.
  const highest = [...later].reduce((most, seq) => Math.max(most, seq), seqBefore)
  return later.size !== highest - seqBefore
}

/** Two transfers of one number in one epoch. In another epoch the number of one that was never
 *  settled is free again. */
function hasEquivocated(_: AccountHistory, own: readonly SeenTransfer[]): boolean {
  return new Set(own.map(({ epoch, seq }) => `${epoch}.${seq}`)).size < own.length
}

/** More transfers than the most within less than an hour, wherever the hour begins. */
function isHurried(_: AccountHistory, own: readonly SeenTransfer[]): boolean {
  const times = own
    .map(({ at }) => readInstant(at))
    .filter((at) => at !== undefined)
    .toSorted((a, b) => a - b)
  return times.some((at, n) => n >= HOURLY_MAX && at - times[n - HOURLY_MAX]! < HOUR)
}

/** More than half of what it had, to one account that was new then. */
function paysNewcomer({ bornAt }: AccountHistory, own: readonly SeenTransfer[]): boolean {
  return own.some(({ at, credits, balanceBefore }) => {
    const time = readInstant(at)
    if (time === undefined || balanceBefore === undefined) return false
    return credits.some(({ to, amount, role }) => {
      const born = readInstant(bornAt?.get(to) ?? '')
      const isNew = born !== undefined && time - born < NEW_FOR
      return isNew && role !== 'fee' && 2n * amount > balanceBefore
    })
  })
}

function paymentsOf(transfers: readonly SeenTransfer[]): Payment[] {
  return transfers.flatMap(({ from, at, credits, isCertified }) => {
    const time = readInstant(at)
    if (time === undefined || !isCertified) return []
    return credits.flatMap(({ to, role }) => (role === 'fee' ? [] : [{ from, to, at: time }]))
  })
}

/** What certified transfers make of the balance is not what it is said to be. */
function isMisstated({ account, transfers, balance }: AccountHistory): boolean {
  if (!balance) return false
  let folded = balance.opening
  for (const { from, credits, isCertified } of transfers) {
    if (!isCertified) continue
    for (const { to, amount } of credits) {
      if (from === account) folded -= amount
      if (to === account) folded += amount
    }
  }
  return folded !== balance.stated
}
