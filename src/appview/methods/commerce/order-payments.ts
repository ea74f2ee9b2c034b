import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { payment } from '../../collections/commerce/payment.ts'
import { refund } from '../../collections/commerce/refund.ts'
import { isEnded } from '../../commerce/advance.ts'
import { type ProviderTask, andThen } from '../../commerce/change.ts'
import { refundOrder } from '../../commerce/refund-order.ts'
import { paymentCaptured, requireHeld, startPayment } from '../../commerce/take-payment.ts'
import { changeOrder } from '../../orders/change-order.ts'
import { type Asker, byOf, requireAsker, requireOrderStaff } from '../../orders/order-access.ts'
import { type OrderAt, orderUri, partUri, readOrder } from '../../orders/order-records.ts'
import { attemptOf, keepAttempt, watch } from '../../orders/payment-attempts.ts'
import { BY_HAND, askForPayment, capture, carryOut } from '../../orders/provider-deeds.ts'
import { type Mount, guestProcedure, procedure } from '../../serve.ts'
import { type OrderDeps, orderView, paymentView, refundView } from './order-views.ts'

/** Ways to pay that only the staff says: what it has received itself. */
const RECEIVED = ['bank_transfer', 'cash']

/** Money of orders: `commerce.payOrder`, `capturePayment`, `voidPayment` and `refundOrder`. */
export function orderPayments(mount: Mount, deps: OrderDeps): void {
  guestProcedure(mount, co.kendev.commerce.payOrder, async ({ input, viewer, idempotencyKey }) => {
    const { order: uri, link, method } = input
    const asker = await requireAsker(deps, { uri, viewer: viewer?.did, link })
    const isReceived = RECEIVED.includes(method)
    if (isReceived && !asker.isStaff)
      throw new ForbiddenError('Only the staff says that it has received this.', 'Forbidden')
    const key = await begin(deps, asker, { ...input, isReceived, idempotencyKey })
    const attempt = await attemptOf(deps.sql, asker.at, key)
    const isAsked = attempt && attempt.provider !== BY_HAND && attempt.reference === null
    const { clientSecret } = isAsked ? await askForPayment(deps, attempt) : {}
    const told = await paidView(deps, asker, key)
    return { ...told, ...(clientSecret !== undefined && { clientSecret }) } as never
  })

  procedure(mount, co.kendev.commerce.capturePayment, async ({ input, viewer }) => {
    const { asker, key } = await heldBy(deps, input.payment, viewer.did, true)
    await deps.transact({ tenant: asker.at.tenant }, async (d) => {
      await watch(d.tx, asker.at, key, d.now)
      const by = byOf(asker, co.kendev.commerce.capturePayment.$lxm)
      return { answer: null, writes: [], by }
    })
    const attempt = await attemptOf(deps.sql, asker.at, key)
    if (attempt) await capture(deps, attempt)
    return (await paidView(deps, asker, key)) as never
  })

  procedure(mount, co.kendev.commerce.voidPayment, async ({ input, viewer }) => {
    const { asker, key } = await heldBy(deps, input.payment, viewer.did)
    const task = { ask: 'void', payment: key, amount: 0, key: `void-${key}` } as const
    await carryOut(deps, asker.at, task)
    return (await paidView(deps, asker, key)) as never
  })

  refunds(mount, deps)
}

function refunds(mount: Mount, deps: OrderDeps): void {
  procedure(mount, co.kendev.commerce.refundOrder, async ({ input, viewer, idempotencyKey }) => {
    const asker = await requireOrderStaff(deps, { uri: input.order, viewer: viewer.did })
    const { at } = asker
    const { lines, shipping, amount, reason, note } = input
    const by = input.payment?.split('/').at(-1)
    const action = co.kendev.commerce.refundOrder.$lxm
    const once = { caller: viewer.did, method: action, key: idempotencyKey, input }
    const done = await deps.transact({ tenant: at.tenant, once }, async (d) => {
      const wish = { lines: lines ?? [], shipping, amount, payment: by, reason }
      const { writes, jobs, change } = await changeOrder(d, at, (file, when) =>
        refundOrder(file, wish, when),
      )
      const { id } = change.refund
      const noted = writes.map((write) =>
        write.collection === refund.nsid && write.rkey === id && note !== undefined
          ? { ...write, record: { ...write.record, note } }
          : write,
      )
      const answer = { id, tasks: change.tasks }
      return { answer, writes: noted, jobs, by: byOf(asker, action, note) }
    })
    await runTasks(deps, at, done.tasks)
    const uri = partUri(at, refund.nsid, done.id)
    const order = await orderView(deps, orderUri(at), viewer.did)
    return { order, refund: await refundView(deps, uri, viewer.did) } as never
  })
}

/** Asks providers at once for what has been decided. What they do not answer is asked again by the
 *  jobs that were queued with the decision. */
export async function runTasks(
  deps: OrderDeps,
  at: OrderAt,
  tasks: readonly ProviderTask[],
): Promise<void> {
  for (const task of tasks)
    try {
      await carryOut(deps, at, task)
    } catch (error) {
      deps.log.warn({ tenant: at.tenant, order: at.rkey, err: error }, 'a provider is asked again')
    }
}

type Begin = {
  readonly method: string
  readonly paymentMethod?: string
  readonly amount?: number
  readonly capture?: boolean
  readonly isReceived: boolean
  readonly idempotencyKey: string | undefined
}

/** Keeps a payment and its attempt before anybody is asked; answers the key of its record. */
async function begin(deps: OrderDeps, asker: Asker, asks: Begin): Promise<string> {
  const { at } = asker
  const { method, amount, isReceived, idempotencyKey, ...input } = asks
  const action = co.kendev.commerce.payOrder.$lxm
  const once = {
    caller: asker.role === 'guest' ? '' : asker.actor,
    method: action,
    key: idempotencyKey,
    input: { ...input, method, amount },
  }
  return deps.transact({ tenant: at.tenant, once }, async (d) => {
    const { writes, jobs, change, before } = await changeOrder(d, at, (file, when) => {
      const started = startPayment(file, { method, amount }, when)
      const { payment: made } = started
      if (!isReceived) return { ...started, made }
      return { ...andThen(started, (one) => paymentCaptured(one, { id: made.id }, when)), made }
    })
    const { id } = change.made
    await keepAttempt(
      d.tx,
      {
        ...at,
        payment: id,
        provider: isReceived ? BY_HAND : deps.provider.name,
        key: id,
        amount: change.made.amount,
        currency: before.record.currency,
        method: input.paymentMethod ?? null,
        capture: input.capture ?? true,
        number: before.record.orderNumber,
      },
      d.now,
    )
    return { answer: id, writes, jobs, by: byOf(asker, action) }
  })
}

/** A payment whose money is held, for the staff. */
async function heldBy(deps: OrderDeps, uri: string, viewer: string, isCapture = false) {
  const asker = await requireOrderStaff(deps, { uri, viewer, part: 'payment' })
  const key = uri.split('/').at(-1)!
  await deps.transact({ tenant: asker.at.tenant }, async (d) => {
    const { file } = await readOrder(d, asker.at)
    requireHeld(file, key)
    if (isCapture && isEnded(file))
      throw new InvalidRequestError(
        `The order is ${file.order.status}: nothing is taken for it.`,
        'OrderEnded',
      )
    return { answer: null, writes: [], by: byOf(asker, 'payment') }
  })
  return { asker, key }
}

async function paidView(deps: OrderDeps, asker: Asker, key: string) {
  const { at, actor } = asker
  const uri = partUri(at, payment.nsid, key)
  return {
    order: await orderView(deps, orderUri(at), actor),
    payment: await paymentView(deps, uri, actor),
  }
}
