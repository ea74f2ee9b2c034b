import { halfUp, requireAmount } from '../money/amount.ts'

const MINUTE = 60_000
const WHOLE_BP = 10_000

/** What is agreed about giving an appointment back; rates in basis points of its price. */
export type CancellationPolicy = {
  readonly allowCancellation: boolean
  readonly allowRescheduling: boolean
  /** How long before its start it is still free, in minutes. */
  readonly cutOff: number
  /** What it costs later than that; without a fee it cannot be given back then. */
  readonly lateFeeBp?: number | undefined
  /** What is kept of who does not come. */
  readonly noShowFeeBp?: number | undefined
}

/** Who gives it back: a business that does returns everything. */
export type Asking = 'customer' | 'staff'

/** What giving back comes to, in minor units: of what was paid, `refund` goes back and `fee` is
 *  kept; `due` is the part of the fee that nothing was paid for. */
export type Settlement = {
  readonly fee: number
  readonly refund: number
  readonly due: number
}

/** Why somebody may not give an appointment back or move it. */
export type Forbidden = 'NotAllowed' | 'TooLate'

/** What is asked about an appointment, in milliseconds and minor units. */
export type Given = {
  readonly policy: CancellationPolicy
  readonly start: number
  readonly now: number
  readonly price: number
  readonly paid: number
  readonly by: Asking
}

/** What a cancellation comes to, or why there is none. */
export function cancelled({ policy, start, now, price, paid, by }: Given): Settlement | Forbidden {
  if (by === 'staff') return settled(price, paid, 0)
  if (!policy.allowCancellation) return 'NotAllowed'
  if (now <= start - policy.cutOff * MINUTE) return settled(price, paid, 0)
  return policy.lateFeeBp === undefined ? 'TooLate' : settled(price, paid, policy.lateFeeBp)
}

/** Why an appointment cannot be moved; undefined when it can. Moving costs nothing, so late it is
 *  refused to customers. */
export function unmovable({ policy, start, now, by }: Given): Forbidden | undefined {
  if (by === 'staff') return undefined
  if (!policy.allowRescheduling) return 'NotAllowed'
  return now <= start - policy.cutOff * MINUTE ? undefined : 'TooLate'
}

/** What not coming comes to. Without a fee for it everything paid goes back. */
export function missed({ policy, price, paid }: Pick<Given, 'policy' | 'price' | 'paid'>) {
  return settled(price, paid, policy.noShowFeeBp ?? 0)
}

/** What is paid when booking: an amount or a rate of the price, never more than it. All of it where
 *  neither is said. */
export function depositOf(
  price: number,
  { amount, rateBp }: { amount?: number | undefined; rateBp?: number | undefined },
): number {
  const asked = amount ?? share(price, rateBp ?? WHOLE_BP)
  return Math.min(requireAmount(asked), requireAmount(price))
}

function settled(price: number, paid: number, feeBp: number): Settlement {
  const whole = share(price, feeBp)
  const fee = Math.min(whole, requireAmount(paid))
  return { fee, refund: paid - fee, due: whole - fee }
}

function share(price: number, rateBp: number): number {
  const rate = Math.min(Math.max(rateBp, 0), WHOLE_BP)
  return halfUp(BigInt(requireAmount(price)) * BigInt(rate), BigInt(WHOLE_BP))
}
