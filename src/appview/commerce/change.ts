import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Transition, moveOf } from '../machine.ts'
import { type Entry, entryBetween } from './ledger.ts'
import {
  type OrderFile,
  capturedOf,
  isCaptured,
  settled,
  standing,
  total,
  unitsOf,
} from './order-file.ts'
import { type OrderFacts, orderMachine } from './order-machines.ts'
import { type StockChange, stockBetween } from './stock.ts'

/** Who is told that something has happened to an order. */
export type OrderNotice = { readonly kind: string; readonly to: 'customer' | 'staff' }

/** What a provider is asked for; `key` makes asking twice one request. */
export type ProviderTask = {
  readonly ask: 'void' | 'refund'
  readonly payment: string
  readonly refund?: string
  readonly amount: number
  readonly key: string
}

/** What a command does: the order as it is then, and what follows from that. */
export type Change = {
  readonly file: OrderFile
  readonly entries: readonly Entry[]
  readonly stock: readonly StockChange[]
  readonly notices: readonly OrderNotice[]
  readonly tasks: readonly ProviderTask[]
}

/** What a command says beside the next state. */
export type Also = {
  readonly kind?: string
  readonly notices?: readonly OrderNotice[]
  readonly tasks?: readonly ProviderTask[]
}

/** A named refusal of a command, with what to do next. */
export function refuse(name: string, message: string): never {
  throw new InvalidRequestError(message, name)
}

/** Ends a command: what is derived of the next state is brought up to date, and the books and the
 *  stock are taken from the state before to it. */
export function changeTo(before: OrderFile, next: OrderFile, also: Also = {}): Change {
  const file = withStatuses(next)
  const entry = entryBetween(before, file, also.kind ?? 'adjustment')
  return {
    file,
    entries: entry ? [entry] : [],
    stock: stockBetween(before, file),
    notices: also.notices ?? [],
    tasks: also.tasks ?? [],
  }
}

/** A change, and then another that begins where it ended. */
export function andThen(first: Change, more: (file: OrderFile) => Change): Change {
  const then = more(first.file)
  return {
    file: then.file,
    entries: [...first.entries, ...then.entries],
    stock: summed([...first.stock, ...then.stock]),
    notices: [...first.notices, ...then.notices],
    tasks: [...first.tasks, ...then.tasks],
  }
}

/** A command that found everything as it was to be. */
export function unchanged(file: OrderFile): Change {
  return { file, entries: [], stock: [], notices: [], tasks: [] }
}

/** What guards of the order's machine look at. Units of a refund that may still fail are not yet
 *  out of the way. */
export function factsOf(file: OrderFile): OrderFacts {
  const { order, fulfilments } = file
  const sure = { fulfilments, refunds: settled(file.refunds) }
  const units = order.lines.map((line) => unitsOf(sure, line))
  return {
    status: order.status,
    isUnpaid: !order.payLater && promisedOf(file) < order.dueNow,
    handedOver: total(units, ({ handedOver }) => handedOver),
    outstanding: total(units, ({ outstanding, packed }) => outstanding + packed),
    hasGoods: order.lines.some(({ method }) => method === 'physical'),
    isUnrefunded: !isPaidBack(file),
  }
}

/** The order moved to a state, with the time of it. Throws what `moveOf` throws. */
export function moved(file: OrderFile, asked: Transition, now: Date): OrderFile {
  if (!moveOf(orderMachine, factsOf(file), asked)) return file
  const at = now.toISOString()
  const times: Readonly<Record<string, Partial<OrderFile['order']>>> = {
    shipped: { shippedAt: file.order.shippedAt ?? at },
    delivered: { deliveredAt: file.order.deliveredAt ?? at },
    completed: { completedAt: file.order.completedAt ?? at },
    cancelled: { cancelledAt: file.order.cancelledAt ?? at },
  }
  return { ...file, order: { ...file.order, status: asked.to, ...times[asked.to] } }
}

/** What is authorized or has come in. */
export function promisedOf({ payments }: Pick<OrderFile, 'payments'>): number {
  const held = payments.filter(({ status }) => status === 'authorized')
  return capturedOf({ payments }) + total(held, ({ amount }) => amount)
}

/** Whether all that came in for the order has gone back. */
export function isPaidBack(file: OrderFile): boolean {
  const { came, back } = flows(file)
  return came > 0 && back === came
}

/** What came in for the order and what went back, without what was paid too much. */
function flows(file: OrderFile): { came: number; back: number } {
  const confirmed = settled(file.refunds)
  const tooMuch = total(
    standing(file.refunds).filter(({ reason }) => reason === 'overpaid'),
    ({ amount }) => amount,
  )
  const back = total(
    confirmed.filter(({ reason }) => reason !== 'overpaid'),
    ({ amount }) => amount,
  )
  return { came: capturedOf(file) - tooMuch, back }
}

/** How an order stands with its payments and fulfilments, which are machines of their own: told
 *  here so that nobody has to add them up (`domain.md` D-49). */
export function withStatuses(file: OrderFile): OrderFile {
  const payments = file.payments.map((payment) => {
    if (!isCaptured(payment)) return payment
    const back = settled(file.refunds).filter((refund) => refund.payment === payment.id)
    const amount = total(back, (refund) => refund.amount)
    const status = amount === 0 ? 'captured' : 'partially_refunded'
    return { ...payment, status: amount > 0 && amount === payment.amount ? 'refunded' : status }
  })
  const next = { ...file, payments }
  const order = {
    ...file.order,
    paymentStatus: paymentStatusOf(next),
    fulfilmentStatus: fulfilmentStatusOf(next),
  }
  return { ...next, order }
}

function paymentStatusOf(file: OrderFile): string {
  const { came, back } = flows(file)
  if (back > 0) return back === came ? 'refunded' : 'partially_refunded'
  if (came >= file.order.totalAmount) return 'captured'
  const isHeld = file.payments.some(({ status }) => status === 'authorized')
  if (isHeld && promisedOf(file) >= file.order.dueNow) return 'authorized'
  const isFailed = file.payments.every(({ status }) => status === 'failed')
  return isFailed && file.payments.length > 0 ? 'failed' : 'pending'
}

const STEPS = ['pending', 'processing', 'shipped', 'delivered', 'completed']

/** The least of what any of its units has come to; `processing` while only some have begun. */
function fulfilmentStatusOf(file: OrderFile): string {
  const { fulfilments, order } = file
  const least = Math.min(...fulfilments.map(({ status }) => STEPS.indexOf(status)))
  if (fulfilments.length === 0) return 'pending'
  const open = total(order.lines, (line) => unitsOf(file, line).outstanding)
  return open > 0 ? 'processing' : STEPS[least]!
}

function summed(changes: readonly StockChange[]): StockChange[] {
  const items = new Map<string, StockChange>()
  for (const { item, ...more } of changes) {
    const one = items.get(item) ?? { item, onHand: 0, reserved: 0, allocated: 0 }
    items.set(item, {
      item,
      onHand: one.onHand + more.onHand,
      reserved: one.reserved + more.reserved,
      allocated: one.allocated + more.allocated,
    })
  }
  return [...items.values()]
    .filter(({ onHand, reserved, allocated }) => onHand !== 0 || reserved !== 0 || allocated !== 0)
    .toSorted((a, b) => (a.item < b.item ? -1 : 1))
}
