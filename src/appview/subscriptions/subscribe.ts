import { InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../lexicons/index.ts'
import { chargeOnce, keepPayer } from './charge.ts'
import { monthAfter, nextPeriod } from '../collections/spaces/subscription-terms.ts'
import {
  type By,
  type Content,
  type Held,
  type Subscribing,
  contentOf,
  requireMove,
  writeSubscription,
} from './write.ts'

type Tier = co.kendev.spaces.space.SubscriptionTier

const DAY_MS = 86_400_000
const STARTED = 'subscription_started'
const EVENTS_MAX = 100

/**
 * Subscribes a member to a tier: first written as incomplete, then tried or paid for, then written
 * as running. A stop in between leaves it incomplete, and subscribing again goes on with the same
 * payment. Throws `AlreadySubscribed`, `PaymentDeclined`, and `InvalidTransition` for the second of
 * two at once.
 */
export async function subscribe(
  s: Subscribing,
  held: Held,
  wish: { tier: Tier; method: string | undefined; by: By },
): Promise<Held> {
  const { tier, method, by } = wish
  const old = held.row && contentOf(held.row)
  requireNone(old)
  await keepPayer(s, { ...held, method })
  const begun = await begin(s, held, { tier, by, old })
  const content = contentOf(begun.row!)
  const now = s.clock.now()
  const isFirst = !content.events?.length
  if (isFirst && tier.trialDays) {
    const end = new Date(now.getTime() + tier.trialDays * DAY_MS)
    return run(s, begun, { status: 'trialing', start: now, end, by })
  }
  await pay(s, begun, { period: `starts ${content.createdAt}`, isRenewal: false })
  return run(s, begun, { status: 'active', start: now, end: monthAfter(now), by })
}

/** Goes on with what is paused, late, or to end. Throws `InvalidTransition`, `PaymentDeclined`. */
export async function resume(
  s: Subscribing,
  held: Held,
  { method, by }: { method: string | undefined; by: By },
): Promise<Held> {
  const old = contentOf(held.row!)
  const now = s.clock.now()
  const { cancelAtPeriodEnd: _, pastDueSince: __, ...rest } = old
  const isOver = new Date(old.currentPeriodEnd ?? 0) <= now
  const isEnding = old.cancelAtPeriodEnd === true
  if (['active', 'trialing'].includes(old.status) && !isOver)
    return isEnding ? writeSubscription(s, held, rest, by) : held
  requireMove(old.status, { to: 'active', from: old.status === 'past_due' ? 'past_due' : 'paused' })
  if (method !== undefined) await keepPayer(s, { ...held, method })
  if (!isOver) return writeSubscription(s, held, { ...rest, status: 'active' }, by)
  await pay(s, held, { period: `after ${old.currentPeriodEnd}`, isRenewal: true })
  return renew(s, held, by)
}

/** Begins the next period of what is paid for again. */
export function renew(s: Subscribing, held: Held, by: By): Promise<Held> {
  const { pastDueSince: _, cancelAtPeriodEnd: __, ...old } = contentOf(held.row!)
  const now = s.clock.now()
  const last = new Date(old.currentPeriodEnd!)
  const anchor = new Date(old.billingAnchor ?? last)
  const { start, end } = nextPeriod(last, { now, anchor })
  const follows = start.getTime() === last.getTime()
  const next: Content = {
    ...old,
    status: 'active',
    currentPeriodStart: iso(start),
    currentPeriodEnd: iso(end),
    billingAnchor: iso(follows ? anchor : start),
  }
  return writeSubscription(s, held, next, by)
}

/** Ends a subscription: with the period that is paid for, or at once where none is. */
export async function cancel(s: Subscribing, held: Held, by: By): Promise<Held> {
  const old = contentOf(held.row!)
  requireMove(old.status, { to: 'canceled' })
  if (old.status === 'canceled') return held
  const isPaid = new Date(old.currentPeriodEnd ?? 0) > s.clock.now()
  const runs = ['active', 'trialing', 'paused'].includes(old.status) && isPaid
  if (runs) return writeSubscription(s, held, { ...old, cancelAtPeriodEnd: true }, by)
  return writeSubscription(s, held, { ...old, status: 'canceled' }, { ...by, told: 'has ended' })
}

/** Has a subscription not paid for again. Throws `InvalidTransition` unless it runs. */
export async function pause(s: Subscribing, held: Held, by: By): Promise<Held> {
  const old = contentOf(held.row!)
  requireMove(old.status, { to: 'paused' })
  if (old.status === 'paused') return held
  return writeSubscription(s, held, { ...old, status: 'paused' }, by)
}

function requireNone(old: Content | undefined): void {
  if (!old || old.status === 'canceled' || old.status === 'incomplete') return
  throw new InvalidRequestError(
    'You have a subscription here. Cancel it, or resume it where it is paused, late or to end.',
    'AlreadySubscribed',
  )
}

/** An incomplete one for the same tier is gone on with, so that its payment is not taken twice. */
async function begin(
  s: Subscribing,
  held: Held,
  { tier, by, old }: { tier: Tier; by: By; old: Content | undefined },
): Promise<Held> {
  const isSame = old?.plan === tier.key && old.amount === tier.price
  if (old?.status === 'incomplete' && isSame && old.currency === tier.currency) return held
  const { events } = old ?? {}
  const next: Content = {
    subject: held.did as Content['subject'],
    plan: tier.key,
    status: 'incomplete',
    amount: tier.price,
    currency: tier.currency,
    createdAt: iso(s.clock.now()),
    ...(events && { events }),
  }
  return writeSubscription(s, held, next, by)
}

async function pay(
  s: Subscribing,
  { space, did, row }: Held,
  { period, isRenewal }: { period: string; isRenewal: boolean },
): Promise<void> {
  const { amount, currency } = contentOf(row!)
  if (await chargeOnce(s, { space, did, period, amount, currency, isRenewal })) return
  throw new InvalidRequestError(
    'The payment was declined. Try again with another paymentMethod.',
    'PaymentDeclined',
  )
}

function run(
  s: Subscribing,
  held: Held,
  { status, start, end, by }: { status: string; start: Date; end: Date; by: By },
): Promise<Held> {
  const old = contentOf(held.row!)
  requireMove(old.status, { to: status })
  const started = { event: STARTED, at: iso(start), value: old.amount }
  const next: Content = {
    ...old,
    status,
    currentPeriodStart: iso(start),
    currentPeriodEnd: iso(end),
    billingAnchor: iso(status === 'trialing' ? end : start),
    events: [...(old.events ?? []), started].slice(-EVENTS_MAX),
  }
  return writeSubscription(s, held, next, { ...by, told: 'has begun' })
}

const iso = (date: Date) => date.toISOString() as `${string}Z` as Content['createdAt']
