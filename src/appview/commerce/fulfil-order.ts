import { type Transition, moveOf } from '../machine.ts'
import { type At, advance, isEnded } from './advance.ts'
import { type Change, changeTo, moved, refuse, unchanged } from './change.ts'
import {
  type Fulfilment,
  type Method,
  type OrderFile,
  changed,
  partOf,
  unitsOf,
} from './order-file.ts'
import { fulfilmentMachine } from './order-machines.ts'
import { cancelOrder } from './cancel-order.ts'

const DAY = 86_400_000
/** After so long a delivered order is completed by itself, unless the store says otherwise
 *  (`domain.md` SM-01). */
const RETURN_WINDOW_MS = 14 * DAY

/** What is known of a parcel. */
export type Parcel = Pick<Fulfilment, 'trackingNumber' | 'carrier' | 'estimatedDelivery'>

/** Units that are to be handed over together; all that is outstanding of one way unless said. */
export type Handing = Parcel & {
  readonly lines?: readonly { readonly line: string; readonly quantity: number }[] | undefined
  readonly method?: Method | undefined
}

/** Begins to hand something over. Throws `NotBeingProcessed`, `UnknownLine`, `TooMany`,
 *  `MixedMethods` and `NothingOutstanding`. */
export function fulfilOrder(file: OrderFile, wanted: Handing, at: At): Change & { id: string } {
  if (file.order.status !== 'processing')
    refuse('NotBeingProcessed', `The order is ${file.order.status}: nothing can be packed for it.`)
  const { lines, method } = partOfIt(file, wanted)
  const { trackingNumber, carrier, estimatedDelivery } = wanted
  const fulfilment: Fulfilment = {
    id: at.nextId(),
    method,
    status: 'pending',
    lines,
    ...known({ trackingNumber, carrier, estimatedDelivery }),
  }
  const next = { ...file, fulfilments: [...file.fulfilments, fulfilment] }
  return { ...changeTo(file, next), id: fulfilment.id }
}

/** Takes a fulfilment on, and the order with it where all of it has come so far. Throws
 *  `OrderEnded` and what `moveOf` throws. */
export function setFulfilmentStatus(
  file: OrderFile,
  { id, parcel = {}, ...asked }: Transition & { id: string; parcel?: Parcel },
  at: At,
): Change {
  const fulfilment = partOf(file.fulfilments, id)
  const isMoved = moveOf(fulfilmentMachine, fulfilment, asked) !== undefined
  if (!isMoved && Object.keys(known(parcel)).length === 0) return unchanged(file)
  if (isMoved && isEnded(file))
    refuse('OrderEnded', `The order is ${file.order.status}: keep the goods.`)
  const times = isMoved ? timesOf(fulfilment, asked.to, at) : {}
  const fulfilments = changed(file.fulfilments, id, {
    ...known(parcel),
    ...times,
    status: asked.to,
  })
  return changeTo(file, advance({ ...file, fulfilments }, at), {
    kind: 'commission',
    notices: told(isMoved ? asked.to : undefined),
  })
}

/** Takes an order on by hand. What is said to be handed over is, whatever was packed before. Throws
 *  what `moveOf` throws. */
export function setOrderStatus(file: OrderFile, asked: Transition, at: At): Change {
  if (asked.to === 'cancelled') {
    moved(file, asked, at.now)
    return cancelOrder(file, { reason: asked.reason ?? 'byStaff' }, at)
  }
  const next = moved(file, asked, at.now)
  if (next === file) return unchanged(file)
  const isOut = ['shipped', 'delivered', 'completed'].includes(asked.to)
  const out = isOut ? handedOver(next, asked.to, at) : next
  return changeTo(file, advance(out, at), {
    kind: 'commission',
    notices: told(asked.to),
  })
}

/** Completes an order whose time to be sent back is over; any other stays as it is. */
export function completeAfterWindow(file: OrderFile, at: At, windowMs = RETURN_WINDOW_MS): Change {
  const { status, deliveredAt } = file.order
  const isOver = deliveredAt !== undefined && +new Date(deliveredAt) + windowMs <= +at.now
  return status === 'delivered' && isOver
    ? setOrderStatus(file, { to: 'completed' }, at)
    : unchanged(file)
}

function partOfIt(file: OrderFile, { lines, method }: Handing) {
  const open = file.order.lines.map((line) => ({ ...line, ...unitsOf(file, line) }))
  const rest = open.filter(({ outstanding }) => outstanding > 0)
  const way = method ?? lineMethod(file, lines) ?? rest[0]?.method
  const wanted =
    lines ??
    rest
      .filter((line) => line.method === way)
      .map(({ id, outstanding }) => ({ line: id, quantity: outstanding }))
  if (way === undefined || wanted.length === 0)
    refuse('NothingOutstanding', 'All of it is packed, handed over or paid back.')
  const seen = new Set<string>()
  for (const { line, quantity } of wanted) {
    const of = open.find(({ id }) => id === line)
    if (!of || seen.has(line)) return refuse('UnknownLine', 'Name each line of the order once.')
    seen.add(line)
    if (of.method !== way)
      refuse('MixedMethods', 'Pack together only what is handed over in one way.')
    if (quantity < 1 || quantity > of.outstanding)
      refuse('TooMany', `Of line ${line} at most ${of.outstanding} can be handed over.`)
  }
  return { lines: wanted, method: way }
}

function lineMethod(file: OrderFile, lines: Handing['lines']): Method | undefined {
  return file.order.lines.find(({ id }) => id === lines?.[0]?.line)?.method
}

/** The order with nothing left to be handed over: open fulfilments are taken on, and what was never
 *  packed is one more for each way. */
function handedOver(file: OrderFile, to: string, at: At): OrderFile {
  const state = to === 'shipped' ? 'shipped' : 'delivered'
  const rest = file.order.lines.flatMap((line) => {
    const { outstanding } = unitsOf(file, line)
    return outstanding > 0 ? [{ method: line.method, line: line.id, quantity: outstanding }] : []
  })
  const ways = [...new Set(rest.map(({ method }) => method))]
  const more: Fulfilment[] = ways.map((method) => ({
    id: at.nextId(),
    method,
    status: 'pending',
    lines: rest
      .filter((one) => one.method === method)
      .map(({ line, quantity }) => ({ line, quantity })),
  }))
  const fulfilments = [...file.fulfilments, ...more].map((one) => {
    const done =
      state === 'shipped' ? ['shipped', 'delivered', 'completed'] : ['delivered', 'completed']
    const goal = one.method === 'physical' ? state : 'delivered'
    return done.includes(one.status) ? one : { ...one, ...timesOf(one, goal, at), status: goal }
  })
  return { ...file, fulfilments }
}

function timesOf(one: Fulfilment, to: string, { now }: At): Partial<Fulfilment> {
  const at = now.toISOString()
  if (to === 'shipped') return { shippedAt: one.shippedAt ?? at }
  return ['delivered', 'completed'].includes(to) ? { deliveredAt: one.deliveredAt ?? at } : {}
}

function told(to: string | undefined): { kind: string; to: 'customer' }[] {
  if (to === 'shipped') return [{ kind: 'orderShipped', to: 'customer' }]
  return to === 'delivered' ? [{ kind: 'orderDelivered', to: 'customer' }] : []
}

function known<T extends object>(parcel: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(parcel).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}
