import { type OrderFile, settled, total, unitsOf } from './order-file.ts'

/** What changes for a stock item, in units. A change of `onHand` is a stock movement. */
export type StockChange = {
  readonly item: string
  readonly onHand: number
  readonly reserved: number
  readonly allocated: number
}

type Stock = Omit<StockChange, 'item'>

const NOTHING: Stock = { onHand: 0, reserved: 0, allocated: 0 }
const ENDED = ['cancelled', 'refunded']

/**
 * What an order does to each stock item: before it is worked on its units are reserved, then
 * allocated until they are handed over, paid back, or the order ends (`domain.md` §11.4).
 */
export function stockOf(file: OrderFile): ReadonlyMap<string, Stock> {
  const items = new Map<string, Stock>()
  for (const line of file.order.lines) {
    if (line.item === undefined) continue
    const before = items.get(line.item) ?? NOTHING
    const more = stockOfLine(file, line)
    items.set(line.item, {
      onHand: before.onHand + more.onHand,
      reserved: before.reserved + more.reserved,
      allocated: before.allocated + more.allocated,
    })
  }
  return items
}

/** What changes for each item from one state of an order to the next, in order of item: who takes
 *  them in this order never waits for somebody who waits for them. */
export function stockBetween(before: OrderFile | undefined, after: OrderFile): StockChange[] {
  const was = before ? stockOf(before) : new Map<string, Stock>()
  const changes = [...stockOf(after)].map(([item, is]) => {
    const { onHand, reserved, allocated } = was.get(item) ?? NOTHING
    return {
      item,
      onHand: is.onHand - onHand,
      reserved: is.reserved - reserved,
      allocated: is.allocated - allocated,
    }
  })
  return changes
    .filter(({ onHand, reserved, allocated }) => onHand !== 0 || reserved !== 0 || allocated !== 0)
    .toSorted((a, b) => (a.item < b.item ? -1 : 1))
}

/** Units of a refund that was confirmed are free again, or gone where they cannot be sold. */
function stockOfLine(file: OrderFile, line: OrderFile['order']['lines'][number]): Stock {
  const { status } = file.order
  if (status === 'pending') return { ...NOTHING, reserved: line.quantity }
  const back = settled(file.refunds).flatMap(({ lines }) =>
    lines.filter((one) => one.line === line.id),
  )
  const freed = total(back, ({ unshipped }) => unshipped)
  const lost = total(back, (one) => (one.restock ? 0 : one.unshipped))
  const returned = total(back, (one) => (one.restock ? one.quantity - one.unshipped : 0))
  const { handedOver } = unitsOf(file, line)
  return {
    onHand: returned - handedOver - lost,
    reserved: 0,
    allocated: ENDED.includes(status) ? 0 : line.quantity - handedOver - freed,
  }
}
