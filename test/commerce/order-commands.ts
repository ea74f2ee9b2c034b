import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import {
  FEE,
  type Model,
  type ModelOrder,
  backOf,
  expected,
  paidOf,
  standingOf,
} from './order-model.ts'
import { type Done, GOODS, type PaymentEnd, type SeenRefund, type Shop } from './shop.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/** A step: what the model expects of it is compared with what the shop does. */
class Step implements fc.AsyncCommand<Model, Shop> {
  readonly #name: string
  readonly #order: number
  readonly #run: (model: Model, shop: Shop, order: ModelOrder, n: number) => Promise<void>
  readonly #fits: (order: ModelOrder) => boolean

  constructor(
    name: string,
    order: number,
    run: (model: Model, shop: Shop, order: ModelOrder, n: number) => Promise<void>,
    fits: (order: ModelOrder) => boolean = () => true,
  ) {
    this.#name = name
    this.#order = order
    this.#run = run
    this.#fits = fits
  }

  check({ orders }: Readonly<Model>): boolean {
    return orders.length > 0 && this.#fits(orders[this.#order % orders.length]!)
  }

  async run(model: Model, shop: Shop): Promise<void> {
    const n = this.#order % model.orders.length
    const order = model.orders[n]!
    await this.#run(model, shop, order, n)
    await compare(model, shop, n)
  }

  toString(): string {
    return `${this.#name} of ${this.#order}`
  }
}

class Place implements fc.AsyncCommand<Model, Shop> {
  readonly lines: readonly { item: number; quantity: number }[]
  constructor(lines: readonly { item: number; quantity: number }[]) {
    this.lines = lines
  }
  check(): boolean {
    return true
  }
  async run(model: Model, shop: Shop): Promise<void> {
    agrees(await shop.place(this.lines), model.place(this.lines))
    if (model.orders.length > 0) await compare(model, shop, model.orders.length - 1)
  }
  toString(): string {
    return `place ${JSON.stringify(this.lines)}`
  }
}

const which = fc.nat(5)
const end = fc.constantFrom<PaymentEnd>('authorized', 'captured', 'captured', 'declined', 'unknown')

type Steps = fc.Arbitrary<fc.AsyncCommand<Model, Shop>>[]

/** What orders live on, and so is asked more often. */
const usual: Steps = [
  fc
    .array(fc.record({ item: fc.nat(2), quantity: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((lines) => new Place(lines)),
  fc.tuple(which, end).map(
    ([of, how]) =>
      new Step(`pay ${how}`, of, async (model, shop, order, n) => {
        agrees(await shop.pay(n, how), model.pay(order, how))
      }),
  ),
]

const handing: Steps = [
  fc.tuple(which, fc.nat(2), fc.integer({ min: 1, max: 3 })).map(
    ([of, at, quantity]) =>
      new Step(
        `hand over ${quantity} of line ${at}`,
        of,
        async (model, shop, order, n) => {
          const line = at % order.lines.length
          const done = await shop.handOver(n, line, quantity)
          agrees(done, model.handOver(order, order.lines[line]!, quantity))
        },
        ({ lines }) => GOODS[lines[at % lines.length]!.item]!.start !== undefined,
      ),
  ),
  which.map(
    (of) =>
      new Step('deliver', of, async (model, shop, order, n) => {
        agrees(await shop.deliver(n), model.deliver(order))
      }),
  ),
  fc.tuple(which, fc.nat(2), fc.integer({ min: 1, max: 3 }), fc.boolean()).map(
    ([of, at, quantity, restock]) =>
      new Step(`refund ${quantity} of line ${at}`, of, async (model, shop, order, n) => {
        const line = at % order.lines.length
        const of_ = order.lines[line]!
        const back = model.unitsBack(order, of_, quantity)
        agrees(await shop.refundUnits(n, { line, quantity, restock }), back !== undefined)
        if (back) await seeRefund(model, shop, n, { ...back, line: of_, restock })
      }),
  ),
  fc.tuple(which, fc.integer({ min: 1, max: 3_000 })).map(
    ([of, amount]) =>
      new Step(`refund ${amount}`, of, async (model, shop, order, n) => {
        const isFine = model.mayGoBack(order, amount)
        agrees(await shop.refundAmount(n, amount), isFine)
        if (isFine) await seeRefund(model, shop, n, { amount })
      }),
  ),
  fc.tuple(which, fc.nat(5), fc.boolean()).map(
    ([of, nth, isSent]) =>
      new Step(
        `refund ${nth} ${isSent ? 'sent' : 'failed'}`,
        of,
        (model, shop, order, n) => settleNth(model, shop, { order, n, nth, isSent }),
        ({ refunds }) => refunds.some(({ status }) => status === 'pending'),
      ),
  ),
]

const others: Steps = [
  fc.tuple(which, fc.constantFrom('captured', 'declined')).map(
    ([of, how]) =>
      new Step(`hear ${how}`, of, async (model, shop, order, n) => {
        const done = await shop.hear(n, how)
        const heard = model.hear(order, how)
        agrees(done, heard !== 'no')
        if (heard === 'late') await seeAutomatic(model, shop, n)
      }),
  ),
  which.map((of) => new Step('say again', of, (_model, shop, _order, n) => shop.repeat(n))),
  which.map(
    (of) =>
      new Step('capture', of, async (model, shop, order, n) => {
        agrees(await shop.capture(n), model.capture(order))
      }),
  ),
  which.map(
    (of) =>
      new Step('cancel', of, async (model, shop, order, n) => {
        const done = await shop.cancel(n)
        const cancelled = model.cancel(order)
        agrees(done, cancelled !== 'no')
        if (cancelled === 'now') await seeAutomatic(model, shop, n)
      }),
  ),
  which.map(
    (of) =>
      new Step('extend', of, async (model, shop, order, n) => {
        agrees(await shop.extend(n), model.extend(order))
      }),
  ),
  fc.constantFrom(MINUTE, 10 * MINUTE, 15 * MINUTE, DAY, 7 * DAY).map(
    (ms) =>
      new Step(`${ms} ms pass`, 0, async (model, shop) => {
        await shop.wait(ms)
        const over = model.wait(ms)
        for (const order of over) await seeAutomatic(model, shop, model.orders.indexOf(order))
      }),
  ),
]

/** Everything that can happen to orders, in any order. */
export const orderCommands: Steps = [
  ...usual,
  ...usual,
  ...usual,
  ...handing,
  ...handing,
  ...others,
]

/** After everything, all that was paid goes back: then no account but the provider's fees may have
 *  anything left. */
export async function giveAllBack(model: Model, shop: Shop): Promise<void> {
  for (const [n, order] of model.orders.entries()) {
    const left = paidOf(order) - standingOf(order)
    if (order.status !== 'pending' && left > 0) {
      agrees(await shop.refundAmount(n, left), true)
      await seeRefund(model, shop, n, { amount: left })
    }
    while (order.refunds.some(({ status }) => status === 'pending'))
      await settleNth(model, shop, { order, n, nth: 0, isSent: true })
    await compare(model, shop, n)
    if (order.status === 'pending') continue
    const fees = order.payments.filter(({ status }) => status === 'paid').length * FEE
    const rest = [...(await shop.books(n))].filter(([, amount]) => amount !== 0)
    const fee =
      fees > 0 ? [['customerClearing', -fees] as const, ['providerFees', fees] as const] : []
    deepEqual(new Map(rest), new Map(fee))
  }
}

async function settleNth(
  model: Model,
  shop: Shop,
  { order, n, nth, isSent }: { order: ModelOrder; n: number; nth: number; isSent: boolean },
): Promise<void> {
  const pending = order.refunds.filter(({ status }) => status === 'pending')
  const refund = pending[nth % pending.length]!
  agrees(await shop.settleRefund(n, refund.id, isSent), true)
  model.settle(order, refund, isSent)
}

/** The refund that was just asked for, which must be the one that was meant. */
async function seeRefund(
  model: Model,
  shop: Shop,
  n: number,
  wish: Partial<ModelOrder['refunds'][number]> & { amount: number },
): Promise<void> {
  const order = model.orders[n]!
  const { refunds } = await shop.see(n)
  const found = refunds.filter(({ id }) => !order.refunds.some((one) => one.id === id))
  deepEqual(
    found.map(({ amount }) => amount),
    [wish.amount],
  )
  const more = { early: 0, late: 0, restock: false, ...wish }
  model.refund(order, { ...more, id: found[0]!.id, status: 'pending' })
  if (found[0]!.status === 'succeeded') model.settle(order, order.refunds.at(-1)!, true)
}

/** What goes back without anybody's asking: all that came for an order that has ended. */
async function seeAutomatic(model: Model, shop: Shop, n: number): Promise<void> {
  const order = model.orders[n]!
  const left = paidOf(order) - standingOf(order)
  if (left > 0) await seeRefund(model, shop, n, { amount: left })
}

async function compare(model: Model, shop: Shop, n: number): Promise<void> {
  const order = model.orders[n]!
  const { refunds, ...seen } = await shop.see(n)
  deepEqual(seen, expected(order))
  const told = (all: readonly SeenRefund[]) =>
    all.map(({ id, amount, status }) => `${id} ${amount} ${status}`).toSorted()
  deepEqual(told(refunds), told(order.refunds))
  for (const [item, { start }] of GOODS.entries())
    if (start !== undefined) deepEqual(await shop.stock(item), model.stock[item])
  checkBooks(await shop.books(n), order)
}

/** What money is where follows from what came and went, whoever it is for. */
function checkBooks(books: ReadonlyMap<string, number>, order: ModelOrder): void {
  const [paid, standing, back] = [paidOf(order), standingOf(order), backOf(order)]
  const fees = order.payments.filter(({ status }) => status === 'paid').length * FEE
  const {
    customerClearing = 0,
    providerFees = 0,
    refundsPayable = 0,
    ...others
  } = Object.fromEntries(books)
  deepEqual(
    { customerClearing, providerFees, refundsPayable },
    { customerClearing: paid - back - fees, providerFees: fees, refundsPayable: back - standing },
  )
  const owed = Object.values(others).reduce((all, amount) => all + amount, 0)
  equal(owed + paid - standing, 0)
}

function agrees(done: Done, isFine: boolean): void {
  equal(done === 'done', isFine, `${JSON.stringify(done)}, expected ${isFine}`)
}
