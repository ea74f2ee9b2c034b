import { between } from '../fast/random.ts'
import { caller } from '../business-node.ts'
import { BOOKING } from '../booking-world.ts'
import { ADDRESS, COMMERCE, OWNER, SHOP } from '../order-stage.ts'

/** One request, to be sent until it is answered. */
export type Deed = {
  readonly who: string
  readonly nsid: string
  readonly body: Record<string, unknown>
  /** What was answered, or the name of the refusal. */
  answer?: Record<string, unknown>
  refused?: string
}

const HOUR = 3_600_000

type Booked = { appointment: { uri: string } }
type OrderView = { uri: string; totalAmount: number; lineItems: { id: string }[] }

/** Everybody who does something in the shop, and all they have done. */
export class Customers {
  readonly deeds: Deed[] = []
  #n = 0
  readonly #products: readonly string[]
  readonly #venue: string

  constructor({ products, venue }: { products: readonly string[]; venue: string }) {
    this.#products = products
    this.#venue = venue
  }

  /** Sends a deed once more; false when the shop ended before it answered. */
  async send(url: string, deed: Deed): Promise<boolean> {
    try {
      deed.answer = await caller(url, deed.who).call(deed.nsid, deed.body)
      return true
    } catch (error) {
      const { error: name, status } = error as { error?: string; status?: number }
      if (name === undefined || status === undefined || status >= 500) return false
      deed.refused = name
      return true
    }
  }

  /** What somebody does next. */
  next(random: () => number): Deed {
    const made = this.#choose(random)
    this.deeds.push(made)
    return made
  }

  /** Deeds that were sent and not answered. */
  unanswered(): Deed[] {
    return this.deeds.filter(({ answer, refused }) => !answer && !refused)
  }

  /** Orders that were placed, as they were answered. */
  placed(): { who: string; order: OrderView }[] {
    return this.deeds
      .filter(({ nsid, answer }) => nsid.endsWith('.checkout') && answer)
      .map(({ who, answer }) => ({ who, order: (answer as { order: OrderView }).order }))
  }

  /** Appointments that were booked, as they were answered. */
  booked(): { who: string; uri: string }[] {
    return this.deeds
      .filter(({ nsid, answer }) => nsid.endsWith('.bookAppointment') && answer)
      .map(({ who, answer }) => ({ who, uri: (answer as Booked).appointment.uri }))
  }

  #choose(random: () => number): Deed {
    if (between(random, 0, 9) < 4) return this.#appointment(random)
    const orders = this.placed()
    const kind = between(random, 0, 9)
    const one = orders[between(random, Math.max(0, orders.length - 12), orders.length - 1)]
    if (kind < 4 || !one) return this.#checkout(random)
    if (kind < 7) return this.#pay(one, random)
    return kind < 9 ? this.#refund(one, random) : this.#cancel(one)
  }

  #appointment(random: () => number): Deed {
    const booked = this.booked()
    const one = booked[between(random, Math.max(0, booked.length - 12), booked.length - 1)]
    const kind = between(random, 0, 9)
    const hours = between(random, 2, 14 * 24)
    const startTime = new Date(Math.ceil(Date.now() / HOUR) * HOUR + hours * HOUR).toISOString()
    const idempotencyKey = this.#key()
    if (kind < 6 || !one) {
      const body = { venue: this.#venue, serviceId: 'install', startTime, idempotencyKey }
      const who = `did:plc:buyer${between(random, 0, 7)}`
      return { who, nsid: `${BOOKING}.bookAppointment`, body }
    }
    const at = { appointment: one.uri, idempotencyKey }
    return kind < 8
      ? { who: one.who, nsid: `${BOOKING}.rescheduleAppointment`, body: { ...at, startTime } }
      : { who: one.who, nsid: `${BOOKING}.cancelAppointment`, body: at }
  }

  #key(): string {
    return `deed-${(this.#n += 1)}`
  }

  #checkout(random: () => number): Deed {
    const product = this.#products[between(random, 0, this.#products.length - 1)]!
    const lines = [{ product, quantity: between(random, 1, 3) }]
    return {
      who: `did:plc:buyer${between(random, 0, 7)}`,
      nsid: `${COMMERCE}.checkout`,
      body: { tenant: SHOP, lines, shippingAddress: ADDRESS, idempotencyKey: this.#key() },
    }
  }

  #pay({ who, order }: { who: string; order: OrderView }, random: () => number): Deed {
    const ways = ['card', 'sandbox-duplicate', 'sandbox-delayed', 'sandbox-unknown', 'sandbox-lost']
    const paymentMethod = ways[between(random, 0, ways.length - 1)]!
    const body = { order: order.uri, method: 'credit_card', paymentMethod }
    const nsid = `${COMMERCE}.payOrder`
    return { who, nsid, body: { ...body, idempotencyKey: this.#key() } }
  }

  #refund({ order }: { order: OrderView }, random: () => number): Deed {
    const part =
      between(random, 0, 1) === 0
        ? { amount: between(random, 1, Math.ceil(order.totalAmount / 3)) }
        : { lines: [{ line: order.lineItems[0]!.id, quantity: 1, restock: true }] }
    const body = { order: order.uri, ...part, reason: 'requested', idempotencyKey: this.#key() }
    return { who: OWNER, nsid: `${COMMERCE}.refundOrder`, body }
  }

  #cancel({ who, order }: { who: string; order: OrderView }): Deed {
    return { who, nsid: `${COMMERCE}.cancelOrder`, body: { order: order.uri, reason: 'changed' } }
  }
}
