import { GOODS, type SeenOrder, type SeenStock } from './shop.ts'

const MINUTE = 60_000
const WEEK = 7 * 86_400_000
export const FEE = 7

type ModelLine = {
  item: number
  quantity: number
  gross: number
  /** Units handed over, and those paid back before and after that. */
  out: number
  early: number
  late: number
  paidBack: number
}

type ModelRefund = {
  id: string
  amount: number
  status: 'pending' | 'succeeded' | 'failed'
  line?: ModelLine
  early: number
  late: number
  restock: boolean
}

/** What is known of an order by who only counts. */
export type ModelOrder = {
  lines: ModelLine[]
  status: string
  total: number
  payments: { amount: number; status: 'open' | 'held' | 'paid' | 'failed'; heldUntil: number }[]
  refunds: ModelRefund[]
  until: number
  extended: boolean
  parcels: { delivered: boolean }[]
}

/** The small model a shop is held against: it counts units and money, step by step, and knows
 *  nothing of how the shop reckons them. */
export class Model {
  readonly orders: ModelOrder[] = []
  readonly stock: SeenStock[] = GOODS.map(({ start = 0 }) => ({
    onHand: start,
    reserved: 0,
    allocated: 0,
  }))
  now = 0

  place(lines: readonly { item: number; quantity: number }[]): boolean {
    const wanted = new Map<number, number>()
    for (const { item, quantity } of lines) wanted.set(item, (wanted.get(item) ?? 0) + quantity)
    for (const [item, quantity] of wanted) if (this.#free(item) < quantity) return false
    const own = lines.map(({ item, quantity }) => {
      const { price, taxBp } = GOODS[item]!
      const net = price * quantity
      const gross = net + Math.floor((net * taxBp) / 10_000 + 0.5)
      if (isCounted(item)) this.stock[item]!.reserved += quantity
      return { item, quantity, gross, out: 0, early: 0, late: 0, paidBack: 0 }
    })
    this.orders.push({
      lines: own,
      status: 'pending',
      total: sum(own, ({ gross }) => gross),
      payments: [],
      refunds: [],
      until: this.now + 15 * MINUTE,
      extended: false,
      parcels: [],
    })
    return true
  }

  pay(order: ModelOrder, end: string): boolean {
    if (isEnded(order)) return false
    if (order.status === 'pending' && order.until <= this.now) return false
    if (order.payments.some(({ status }) => status === 'open')) return false
    const amount = order.total - paidOf(order) - heldOf(order)
    if (amount <= 0) return false
    const status = ({ authorized: 'held', captured: 'paid', declined: 'failed' } as const)[end]
    order.payments.push({ amount, status: status ?? 'open', heldUntil: this.now + WEEK })
    this.#go(order)
    return true
  }

  hear(order: ModelOrder, end: string): 'no' | 'yes' | 'late' {
    const open = order.payments.find(({ status }) => status === 'open')
    if (!open) return 'no'
    open.status = end === 'captured' ? 'paid' : 'failed'
    if (isEnded(order) && open.status === 'paid') return 'late'
    this.#go(order)
    return 'yes'
  }

  capture(order: ModelOrder): boolean {
    const held = order.payments.find(({ status }) => status === 'held')
    if (!held) return false
    held.status = 'paid'
    this.#go(order)
    return true
  }

  /** When it is cancelled now, what has come is expected to go back. */
  cancel(order: ModelOrder): 'no' | 'already' | 'now' {
    if (order.status === 'cancelled') return 'already'
    const isOut = order.lines.some(({ out }) => out > 0)
    if (!['pending', 'processing'].includes(order.status) || isOut) return 'no'
    this.#release(order)
    for (const payment of order.payments) if (payment.status === 'held') payment.status = 'failed'
    order.status = 'cancelled'
    return 'now'
  }

  extend(order: ModelOrder): boolean {
    if (order.status !== 'pending' || order.extended || order.until <= this.now) return false
    order.extended = true
    order.until += 15 * MINUTE
    return true
  }

  handOver(order: ModelOrder, line: ModelLine, quantity: number): boolean {
    if (order.status !== 'processing' || quantity > leftOf(line)) return false
    this.#out(line, quantity)
    order.parcels.push({ delivered: false })
    this.#go(order)
    return true
  }

  deliver(order: ModelOrder): boolean {
    if (isEnded(order)) return !order.parcels.some(({ delivered }) => !delivered)
    for (const parcel of order.parcels) parcel.delivered = true
    this.#go(order)
    return true
  }

  /** What units of a line come to when they go back; undefined when they cannot. */
  unitsBack(order: ModelOrder, line: ModelLine, quantity: number) {
    const before = line.early + line.late
    if (quantity > line.quantity - before) return undefined
    const early = Math.min(quantity, leftOf(line))
    if (quantity - early > line.out - line.late) return undefined
    const due = Math.floor((line.gross * (before + quantity)) / line.quantity)
    const amount = due - line.paidBack
    return this.mayGoBack(order, amount) ? { amount, early, late: quantity - early } : undefined
  }

  mayGoBack(order: ModelOrder, amount: number): boolean {
    if (paidOf(order) === 0 || order.status === 'pending') return false
    return amount > 0 && amount <= paidOf(order) - standingOf(order)
  }

  refund(order: ModelOrder, refund: ModelRefund): void {
    order.refunds.push(refund)
    if (!refund.line) return
    refund.line.early += refund.early
    refund.line.late += refund.late
    refund.line.paidBack += refund.amount
  }

  settle(order: ModelOrder, refund: ModelRefund, isSent: boolean): void {
    refund.status = isSent ? 'succeeded' : 'failed'
    const { line, early, late, restock, amount } = refund
    if (line && !isSent) {
      line.early -= early
      line.late -= late
      line.paidBack -= amount
    }
    if (line && isSent && isCounted(line.item)) {
      const stock = this.stock[line.item]!
      if (!isEnded(order)) stock.allocated -= early
      stock.onHand += restock ? late : -early
    }
    if (isSent) this.#go(order)
  }

  /** The orders that were cancelled by it. */
  wait(ms: number): ModelOrder[] {
    this.now += ms
    const over = this.orders.filter(
      ({ status, until }) => status === 'pending' && until <= this.now,
    )
    for (const order of this.orders) {
      if (over.includes(order)) this.cancel(order)
      for (const payment of order.payments)
        if (payment.status === 'held' && payment.heldUntil <= this.now) payment.status = 'failed'
    }
    return over
  }

  /** Takes an order as far as it goes by itself. */
  #go(order: ModelOrder): void {
    if (isEnded(order)) return
    const [paid, back] = [paidOf(order), backOf(order)]
    if (order.status === 'pending') {
      if (paid + heldOf(order) < order.total) return
      order.status = 'processing'
      for (const { item, quantity } of order.lines.filter((line) => isCounted(line.item))) {
        this.stock[item]!.reserved -= quantity
        this.stock[item]!.allocated += quantity
      }
    }
    if (paid > 0 && back === paid) {
      this.#release(order)
      order.status = 'refunded'
      return
    }
    const downloads = order.lines.filter(({ item }) => !isCounted(item))
    if (order.status === 'processing' && paid >= order.total)
      for (const line of downloads.filter((one) => leftOf(one) > 0)) {
        this.#out(line, leftOf(line))
        order.parcels.push({ delivered: true })
      }
    // Units of a refund that may still fail are not out of the way.
    const isAll = order.lines.every((line) => line.quantity - line.out - freedOf(order, line) === 0)
    if (!isAll || order.lines.every(({ out }) => out === 0)) return
    const hasGoods = order.lines.length > downloads.length
    if (order.status === 'processing') order.status = hasGoods ? 'shipped' : 'delivered'
    if (order.status === 'shipped' && order.parcels.every(({ delivered }) => delivered))
      order.status = 'delivered'
  }

  #free(item: number): number {
    if (!isCounted(item)) return Infinity
    const { onHand, reserved, allocated } = this.stock[item]!
    return onHand - reserved - allocated
  }

  #out(line: ModelLine, quantity: number): void {
    line.out += quantity
    if (!isCounted(line.item)) return
    this.stock[line.item]!.onHand -= quantity
    this.stock[line.item]!.allocated -= quantity
  }

  #release(order: ModelOrder): void {
    for (const line of order.lines.filter(({ item }) => isCounted(item))) {
      const stock = this.stock[line.item]!
      if (order.status === 'pending') stock.reserved -= line.quantity
      else stock.allocated -= line.quantity - line.out - freedOf(order, line)
    }
  }
}

/** What is expected to be seen of an order. */
export function expected(order: ModelOrder): Omit<SeenOrder, 'refunds'> {
  const [paid, back] = [paidOf(order), backOf(order)]
  const states = order.payments.map(({ status }) => status)
  const paymentStatus =
    back > 0
      ? back === paid
        ? 'refunded'
        : 'partially_refunded'
      : paid >= order.total
        ? 'captured'
        : states.includes('held')
          ? 'authorized'
          : states.length > 0 && states.every((status) => status === 'failed')
            ? 'failed'
            : 'pending'
  const handedOver = order.lines.map(({ out }) => out)
  return { status: order.status, paymentStatus, total: order.total, captured: paid, handedOver }
}

export const paidOf = ({ payments }: ModelOrder): number => inState(payments, 'paid')
export const standingOf = ({ refunds }: ModelOrder): number =>
  sum(refunds, ({ amount, status }) => (status === 'failed' ? 0 : amount))
export const backOf = ({ refunds }: ModelOrder): number => inState(refunds, 'succeeded')

const heldOf = ({ payments }: ModelOrder) => inState(payments, 'held')
const leftOf = ({ quantity, out, early }: ModelLine) => quantity - out - early
const isCounted = (item: number) => GOODS[item]!.start !== undefined
const isEnded = ({ status }: ModelOrder) => ['cancelled', 'refunded'].includes(status)

/** Units of a line that refunds have let go of for good. */
function freedOf({ refunds }: ModelOrder, line: ModelLine): number {
  return sum(refunds, (one) => (one.line === line && one.status === 'succeeded' ? one.early : 0))
}

function inState(of: readonly { amount: number; status: string }[], state: string): number {
  return sum(of, ({ amount, status }) => (status === state ? amount : 0))
}

function sum<T>(of: readonly T[], figure: (one: T) => number): number {
  return of.reduce((all, one) => all + figure(one), 0)
}
