import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { Deciding, Decision, Transact } from '../business/transact.ts'
import { type At, isEnded } from '../commerce/advance.ts'
import { type Change, type ProviderTask, andThen, unchanged } from '../commerce/change.ts'
import type { OrderFile } from '../commerce/order-file.ts'
import { refundFailed, refundSucceeded } from '../commerce/refund-order.ts'
import { paymentAuthorized, paymentCaptured, paymentFailed } from '../commerce/take-payment.ts'
import {
  OutcomeUnknown,
  type Payment as ProviderPayment,
  type PaymentProvider,
  ProviderRefused,
} from '../payments/payment-provider.ts'
import type { Sql } from '../sql.ts'
import { changeOrder } from './change-order.ts'
import { type OrderAt, orderUri } from './order-records.ts'
import { type Attempt, attemptOf, noteReference } from './payment-attempts.ts'

/** What paying needs. */
export type Paying = {
  readonly sql: Sql
  readonly transact: Transact
  readonly provider: PaymentProvider
  readonly clock: Clock
  readonly log: Log
}

type By = Decision<unknown>['by']
const BY_PROVIDER = { role: 'provider', action: 'payment' } as const

/** Asks the provider for the money of an attempt that was kept before, and notes what it says.
 *  Asked again with the same key, the provider does it once. Answers what the payer's client needs
 *  to go on. What nobody knows the end of is found out later. */
export async function askForPayment(
  p: Paying,
  attempt: Attempt,
): Promise<{ clientSecret?: string | undefined }> {
  try {
    const { amount, currency, key, method, capture, number } = attempt
    const said = await p.provider.authorize({
      key,
      amount,
      currency,
      method: method ?? undefined,
      capture,
      group: orderUri(attempt),
      description: number,
    })
    await settle(p, attempt, said)
    return { clientSecret: said.clientSecret }
  } catch (error) {
    if (error instanceof OutcomeUnknown) return {}
    if (!(error instanceof ProviderRefused)) throw error
    await applyTo(p, attempt, (file) =>
      paymentFailed(file, { id: attempt.payment, reason: error.code }),
    )
    return {}
  }
}

/** Takes in how a payment stands at the provider, with its refunds; the same twice changes nothing.
 *  `once` is asked in the transaction that does it, and says no when it was done before. */
export async function settle(
  p: Pick<Paying, 'transact'>,
  attempt: Attempt,
  said: ProviderPayment,
  once: (tx: Sql) => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  await p.transact({ tenant: attempt.tenant }, async (d) => {
    if (!(await once(d.tx))) return { answer: null, writes: [], by: byProvider(attempt) }
    const { writes, jobs, change } = await changeOrder(d, attempt, (file, at) =>
      afterSaid(file, { attempt, said }, at),
    )
    const isOpen = isUnderWay(change.file, attempt.payment)
    await noteReference(d.tx, attempt, said, isOpen ? d.now : null)
    return { answer: null, writes, jobs, by: byProvider(attempt) }
  })
}

/** Whether anything about a payment has yet to end: the payment itself, a refund, or letting go of
 *  what is held for an order that has ended. */
function isUnderWay(file: OrderFile, id: string): boolean {
  const status = file.payments.find((one) => one.id === id)?.status
  const isBack = file.refunds.some((one) => one.payment === id && one.status === 'pending')
  return status === 'pending' || isBack || (status === 'authorized' && isEnded(file))
}

/** Does to an order what follows from what the provider has said or done. */
export async function applyTo(
  p: Pick<Paying, 'transact'>,
  at: OrderAt,
  command: (file: OrderFile, at: At) => Change,
): Promise<void> {
  await p.transact({ tenant: at.tenant }, (d) => decide(d, at, command))
}

/** Carries out what an order asks of the provider. Throws `PaymentRefused` when the provider does
 *  not do it, and `OutcomeUnknown` when it has to be asked again. */
export async function carryOut(p: Paying, order: OrderAt, task: ProviderTask): Promise<void> {
  const attempt = await attemptOf(p.sql, order, task.payment)
  if (!attempt) return
  const { reference } = attempt
  if (task.ask === 'refund') return giveBack(p, attempt, task)
  if (reference === null) {
    // Whether there is anything to let go only the provider knows.
    await askForPayment(p, attempt)
    const now = await attemptOf(p.sql, order, task.payment)
    if (now?.reference == null) throw new OutcomeUnknown('the payment is not known yet')
    return carryOut(p, order, task)
  }
  try {
    await settle(p, attempt, await p.provider.void({ key: task.key, reference }))
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error
    // It has been taken meanwhile, or has ended: what is so is found out.
    const said = await p.provider.fetch(reference)
    if (said) await settle(p, attempt, said)
  }
}

/** Takes what was authorized. Throws `PaymentRefused`. */
export async function capture(p: Paying, attempt: Attempt): Promise<void> {
  const { reference, payment } = attempt
  if (reference === null) throw refused('It is not known yet whether anything is held.')
  try {
    await settle(p, attempt, await p.provider.capture({ key: `capture-${payment}`, reference }))
  } catch (error) {
    if (error instanceof OutcomeUnknown) {
      const said = await p.provider.fetch(reference)
      if (said) await settle(p, attempt, said)
      return
    }
    if (!(error instanceof ProviderRefused)) throw error
    const said = await p.provider.fetch(reference)
    if (said) await settle(p, attempt, said)
    throw refused(error.message)
  }
}

async function giveBack(p: Paying, attempt: Attempt, task: ProviderTask): Promise<void> {
  const { reference } = attempt
  const id = task.refund!
  if (attempt.provider === BY_HAND)
    return applyTo(p, attempt, (file, at) => ifPending(file, id, (f) => refundSucceeded(f, id, at)))
  try {
    const { status, reason = 'refused' } = await p.provider.refund({
      key: task.key,
      reference: reference!,
      amount: task.amount,
    })
    await applyTo(p, attempt, (file, at) => afterRefund(file, { id, status, reason }, at))
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error
    await applyTo(p, attempt, (file, at) =>
      afterRefund(file, { id, status: 'failed', reason: error.code }, at),
    )
  }
}

/** Payments that the staff has received itself. */
export const BY_HAND = 'hand'

async function decide(
  d: Deciding,
  order: OrderAt,
  command: (file: OrderFile, at: At) => Change,
): Promise<Decision<null>> {
  const { writes, jobs } = await changeOrder(d, order, command)
  return { answer: null, writes, jobs, by: byProvider(order) }
}

function byProvider({ tenant }: OrderAt): By {
  return { ...BY_PROVIDER, actor: tenant }
}

function afterSaid(
  file: OrderFile,
  { attempt, said }: { attempt: Attempt; said: ProviderPayment },
  at: At,
): Change {
  const id = attempt.payment
  const paid = paymentSaid(file, { id, said }, at)
  return said.refunds.reduce(
    (all, { key, status, reason = 'refused' }) =>
      key === undefined
        ? all
        : andThen(all, (one) => afterRefund(one, { id: key, status, reason }, at)),
    paid,
  )
}

function paymentSaid(
  file: OrderFile,
  { id, said }: { id: string; said: ProviderPayment },
  at: At,
): Change {
  const { status, fee, currency, reason = 'declined' } = said
  if (status === 'authorized') return paymentAuthorized(file, id, at)
  if (status === 'declined') return paymentFailed(file, { id, reason })
  if (status === 'voided') return paymentFailed(file, { id, reason: 'voided' })
  if (status !== 'captured') return unchanged(file)
  const own = fee?.currency === currency ? fee.amount : undefined
  return paymentCaptured(file, { id, fee: own }, at)
}

function afterRefund(
  file: OrderFile,
  { id, status, reason }: { id: string; status: string; reason: string },
  at: At,
): Change {
  return ifPending(file, id, (one) => {
    if (status === 'refunded') return refundSucceeded(one, id, at)
    return status === 'failed' ? refundFailed(one, { id, reason }, at) : unchanged(one)
  })
}

/** What a provider says of a refund that is settled, or not ours, changes nothing. */
function ifPending(file: OrderFile, id: string, does: (file: OrderFile) => Change): Change {
  const isPending = file.refunds.some((one) => one.id === id && one.status === 'pending')
  return isPending ? does(file) : unchanged(file)
}

function refused(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'PaymentRefused')
}
