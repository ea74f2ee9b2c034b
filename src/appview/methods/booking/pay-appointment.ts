import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import type { Who, CustomerSpace } from '../../business/customers.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import { cancelOrder } from '../../commerce/cancel-order.ts'
import { capturedOf, settled as settledRefunds, total } from '../../commerce/order-file.ts'
import { refundOrder } from '../../commerce/refund-order.ts'
import { completeAppointmentOrder, placeAppointmentOrder } from '../../orders/appointment-order.ts'
import { keepChange } from '../../orders/keep-change.ts'
import { type OrderAt, partKeys, readOrder } from '../../orders/order-records.ts'
import type { Contact } from './booker.ts'
import { keyOf } from './appointment-records.ts'

/** Where a venue is. */
type Address = { readonly country: string; readonly region?: string | undefined }

/** What pays for an appointment, or gives money back for one, within the decision about it. */
export type Paid = { readonly writes: readonly TenantWrite[]; readonly jobs: readonly Job[] }

const NOTHING: Paid = { writes: [], jobs: [] }

/** Who books, as their order names them. */
export type Buyer = {
  readonly who: Who
  readonly contact: Contact | undefined
  readonly customer: CustomerSpace
}

/** Places the order that pays for an appointment, where something is to be paid when booking: an
 *  order like any other, which keeps its reservation for a quarter of an hour. */
export async function orderFor(
  d: Deciding,
  of: {
    buyer: Buyer
    uri: string
    record: Appointment
    source: string
    performer: { did: string; rateBp: number } | undefined
    action: string
    actor: string
    where: Address | undefined
  },
): Promise<(Paid & { uri: string }) | undefined> {
  const { buyer, uri, record, source, performer, action, actor, where } = of
  const { payment, service, venue } = record
  if (!payment?.amount || !service?.price) return undefined
  const { contact } = buyer
  const known = {
    ...(contact && { name: contact.name }),
    ...(contact?.email !== undefined && { email: contact.email }),
    ...(contact?.phone !== undefined && { phone: contact.phone }),
  }
  const {
    answer,
    writes,
    jobs = [],
  } = await placeAppointmentOrder(d, {
    customer: buyer.customer,
    who: buyer.who,
    appointment: uri,
    line: {
      product: service.product ?? venue ?? uri,
      title: service.serviceName,
      quantity: 1,
      unitPrice: service.price.amount,
    },
    currency: service.price.currency,
    where: where && {
      country: where.country,
      region: where.region === undefined ? undefined : `${where.country}-${where.region}`,
    },
    deposit: payment.amount.amount,
    source,
    ...(performer && { performer: { ...performer, rule: 'appointment' } }),
    ...(contact && { contact: known }),
    by: { actor, role: 'customer', action },
  })
  return { uri: answer.order, writes, jobs }
}

/** What was paid for an appointment and has not gone back, in minor units. */
export async function paidFor(
  d: Deciding,
  at: Pick<OrderAt, 'tenant' | 'place'>,
  { payment }: Appointment,
): Promise<number> {
  if (payment?.order === undefined) return 0
  const { file } = await readOrder(d, { ...at, rkey: keyOf(payment.order) })
  return capturedOf(file) - total(settledRefunds(file.refunds), (refund) => refund.amount)
}

/** Completes the order of an appointment that took place: the commission is booked with that, of
 *  what it costs without its tax. */
export async function completeFor(
  d: Deciding,
  { payment }: Appointment,
): Promise<{ also: Paid; commission?: number }> {
  if (payment?.order === undefined) return { also: NOTHING }
  const { writes, jobs, before } = await completeAppointmentOrder(d, payment.order)
  const commission = total(before.file.terms.commissions, ({ amount }) => amount)
  return { also: { writes, jobs }, commission }
}

/** Gives back what is not kept for an appointment that has ended: its order is cancelled when
 *  nothing is kept, else so much of it is refunded. */
export async function giveBack(
  d: Deciding,
  at: Pick<OrderAt, 'tenant' | 'place'>,
  { payment, settlement, statusReason }: Appointment,
): Promise<Paid> {
  if (payment?.order === undefined) return NOTHING
  const kept = await readOrder(d, { ...at, rkey: keyOf(payment.order) })
  const how = { now: d.now, nextId: partKeys(kept) }
  const { fee = 0, refund = 0 } = settlement ?? {}
  const { status } = kept.file.order
  const isOpen = ['pending', 'processing'].includes(status)
  if (fee === 0 && isOpen) {
    const reason = statusReason ?? 'the appointment is cancelled'
    return keepChange(d, kept, cancelOrder(kept.file, { reason }, how))
  }
  if (refund === 0 || status === 'cancelled') return NOTHING
  const wish = { amount: refund, reason: 'cancelled' }
  return keepChange(d, kept, refundOrder(kept.file, wish, how))
}
