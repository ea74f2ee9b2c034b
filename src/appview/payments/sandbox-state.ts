import { createHash } from 'node:crypto'
import { halfUp } from '../money/amount.ts'
import type { Money, Payment, PaymentStatus, PaymentWish, Refund } from './payment-provider.ts'

/** How the sandbox behaves for each way to pay; every other way just works. */
export type SandboxMethod = {
  /** The bank says no: to the payment, to taking it, or to giving it back. */
  readonly declines?: 'payment' | 'capture' | 'refund'
  /** What is settled two seconds later only. */
  readonly delays?: 'payment' | 'refund'
  /** What is done, while whoever asked is not told. */
  readonly unknown?: 'payment' | 'capture' | 'refund'
  /** The first time nothing is done, and whoever asked is not told either. */
  readonly loses?: boolean
  /** Each event is sent this often. */
  readonly copies?: number
  /** Events of what came first are sent last. */
  readonly disordered?: boolean
}

/** Ways to pay of the sandbox, to try out each way in which a provider fails. */
export const SANDBOX_METHODS: Readonly<Record<string, SandboxMethod>> = {
  'sandbox-declined': { declines: 'payment' },
  'sandbox-delayed': { delays: 'payment' },
  'sandbox-delayed-declined': { delays: 'payment', declines: 'payment' },
  'sandbox-unknown': { unknown: 'payment' },
  'sandbox-lost': { loses: true },
  'sandbox-capture-declined': { declines: 'capture' },
  'sandbox-capture-unknown': { unknown: 'capture' },
  'sandbox-refund-declined': { declines: 'refund' },
  'sandbox-refund-delayed': { delays: 'refund' },
  'sandbox-refund-unknown': { unknown: 'refund' },
  'sandbox-duplicate': { copies: 3 },
  'sandbox-disordered': { disordered: true },
}

/** How long what is delayed takes. */
export const SETTLES_MS = 2_000
const DAY_MS = 86_400_000
const AUTHORIZED_MS = 7 * DAY_MS
const FEE_BP = 290n

/** A payment as the sandbox keeps it; times are milliseconds. */
export type Kept = Money & {
  readonly reference: string
  readonly key: string
  readonly method: string
  readonly capture: boolean
  readonly madeAt: number
  /** Whether anything was done at the first call. */
  readonly lost: boolean
  readonly captured?: number
  readonly voided?: boolean
  readonly refunds: readonly KeptRefund[]
}

/** A refund as the sandbox keeps it. */
export type KeptRefund = { readonly key: string; readonly amount: number; readonly madeAt: number }

/** How a way to pay behaves. */
export function methodOf(name: string): SandboxMethod {
  return Object.hasOwn(SANDBOX_METHODS, name) ? SANDBOX_METHODS[name]! : {}
}

/** A payment that was just asked for. The reference follows from the key. */
export function keptOf(wish: PaymentWish, now: number): Kept {
  const { key, amount, currency, method = 'sandbox', capture } = wish
  const reference = `sandbox_${digest(`payment ${key}`)}`
  const lost = methodOf(method).loses === true
  return { reference, key, amount, currency, method, capture, madeAt: now, lost, refunds: [] }
}

/** How the payment stands by then; everything else follows from what was asked and when. */
export function stateOf(kept: Kept, now: number): Payment {
  const { reference, key, amount, currency } = kept
  const status = statusOf(kept, now)
  const captured = status === 'captured' ? (kept.captured ?? amount) : 0
  const refunds = kept.refunds.map((refund) => refundOf(kept, refund, now))
  const done = refunds.filter((refund) => refund.status === 'refunded')
  return {
    reference,
    key,
    amount,
    currency,
    status,
    captured,
    refunds,
    refunded: done.reduce((sum, refund) => sum + refund.amount, 0),
    last4: '4242',
    fee: captured > 0 ? { amount: feeOf(captured), currency } : undefined,
    expiresAt: status === 'authorized' ? new Date(kept.madeAt + AUTHORIZED_MS) : undefined,
    reason: status === 'declined' ? 'card_declined' : undefined,
  }
}

/** How one refund stands by then. */
export function refundOf(kept: Kept, { key, amount, madeAt }: KeptRefund, now: number): Refund {
  const { declines, delays } = methodOf(kept.method)
  const isPending = delays === 'refund' && now < madeAt + SETTLES_MS
  const settled = declines === 'refund' ? 'failed' : 'refunded'
  const status = isPending ? 'pending' : settled
  const reason = status === 'failed' ? 'declined' : undefined
  const reference = `sandbox_${digest(`refund ${key}`)}`
  return { reference, key, amount, currency: kept.currency, status, reason }
}

/** What may still be given back, refunds under way counted. */
export function refundable(kept: Kept, now: number): number {
  const taken = kept.refunds.filter((refund) => refundOf(kept, refund, now).status !== 'failed')
  return taken.reduce((left, { amount }) => left - amount, stateOf(kept, now).captured)
}

function statusOf(kept: Kept, now: number): PaymentStatus {
  const { declines, delays } = methodOf(kept.method)
  if (kept.voided) return 'voided'
  if (delays === 'payment' && now < kept.madeAt + SETTLES_MS) return 'pending'
  if (declines === 'payment') return 'declined'
  if (kept.captured !== undefined) return 'captured'
  if (kept.capture) return declines === 'capture' ? 'declined' : 'captured'
  return now < kept.madeAt + AUTHORIZED_MS ? 'authorized' : 'voided'
}

/** 2.9 % of what was taken (`domain.md` N-04). */
function feeOf(captured: number): number {
  return halfUp(BigInt(captured) * FEE_BP, 10_000n)
}

/** A name that is the same for the same text. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}
