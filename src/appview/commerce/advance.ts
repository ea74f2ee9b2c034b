import { factsOf, isPaidBack, moved } from './change.ts'
import { type Fulfilment, type OrderFile, unitsOf } from './order-file.ts'

/** The time, and keys for what a command makes. */
export type At = { readonly now: Date; readonly nextId: () => string }

const ENDED = ['cancelled', 'refunded']

/** Whether nothing can happen to the order any more but to money that still moves. */
export function isEnded({ order }: Pick<OrderFile, 'order'>): boolean {
  return ENDED.includes(order.status)
}

/** The order taken as far as its payments, refunds and fulfilments take it by themselves, where the
 *  machines say so (`domain.md` SM-01): paid, shipped, delivered, completed, refunded. */
export function advance(file: OrderFile, at: At): OrderFile {
  const to = nextOf(file)
  if (to === undefined) return granted(file, at)
  return advance(moved(file, { to }, at.now), at)
}

function nextOf(file: OrderFile): string | undefined {
  const { status } = file.order
  if (isEnded(file)) return undefined
  const facts = factsOf(file)
  if (status === 'pending') return facts.isUnpaid ? undefined : 'processing'
  if (isPaidBack(file)) return 'refunded'
  const isOut = facts.outstanding === 0 && facts.handedOver > 0
  const are = (states: readonly string[]) =>
    file.fulfilments.length > 0 && file.fulfilments.every((one) => states.includes(one.status))
  if (status === 'processing' && facts.hasGoods) return isOut ? 'shipped' : undefined
  if (['processing', 'shipped'].includes(status))
    return isOut && are(['delivered', 'completed']) ? 'delivered' : undefined
  return status === 'delivered' && are(['completed']) ? 'completed' : undefined
}

/** What needs no hands is handed over once it is paid for: downloads are granted. */
function granted(file: OrderFile, at: At): OrderFile {
  if (file.order.status !== 'processing' || isUnpaidYet(file)) return file
  const lines = file.order.lines
    .filter(({ method }) => method === 'digital')
    .map((line) => ({ line: line.id, quantity: unitsOf(file, line).outstanding }))
    .filter(({ quantity }) => quantity > 0)
  if (lines.length === 0) return file
  const fulfilment: Fulfilment = {
    id: at.nextId(),
    method: 'digital',
    status: 'delivered',
    lines,
    deliveredAt: at.now.toISOString(),
  }
  return advance({ ...file, fulfilments: [...file.fulfilments, fulfilment] }, at)
}

function isUnpaidYet({ order, payments }: OrderFile): boolean {
  const came = payments.reduce((all, one) => all + (one.capturedAt ? one.amount : 0), 0)
  return came < order.totalAmount
}
