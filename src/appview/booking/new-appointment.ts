import type { co } from '../../lexicons/index.ts'
import type { Appointment } from './appointment-change.ts'
import type { Slot } from './availability.ts'
import { depositOf } from './cancellation.ts'
import { localOf, wire } from './local-time.ts'

type Venue = co.kendev.enterprise.venue.Main
type ServiceRecord = co.kendev.enterprise.venue.Service
type Money = co.kendev.defs.Money

/** All that a new appointment is made of. */
export type Booking = {
  readonly venue: { readonly uri: string; readonly tenant: string; readonly record: Venue }
  readonly service: ServiceRecord
  /** What it costs: the linked product's price comes before the venue's (`domain.md` R-33). */
  readonly price: Money | undefined
  readonly slot: Slot
  readonly now: number
  readonly by: 'customer' | 'staff'
  /** The key of the customer. */
  readonly customer: string
  readonly attendee?: string | undefined
  readonly contact?: Appointment['contact'] | undefined
  readonly seats: number
  /** Who leads it, where everybody may know. */
  readonly shownStaff?: string | undefined
  readonly notes?: string | undefined
  readonly location?: string | undefined
  readonly meetingType?: string | undefined
  readonly emergency?: boolean | undefined
  /** The series it is one of, and which. */
  readonly series?: string | undefined
  readonly instance?: string | undefined
}

/** A new appointment (`domain.md` §3.4): confirmed at once unless the venue wants to look at it
 *  first (D-62), with all that was agreed frozen. */
export function newAppointment(b: Booking): Appointment {
  const { venue, service, slot, by, seats } = b
  const { bookingPolicy = {}, location } = venue.record
  const waits = service.requireConfirmation ?? bookingPolicy.requireConfirmation ?? false
  const at = wire(b.now) as Appointment['createdAt']
  const price = b.price && { ...b.price, amount: b.price.amount * seats }
  const given = {
    attendees: b.attendee === undefined ? undefined : [b.attendee],
    contact: b.contact,
    notes: b.notes,
    location: b.location ?? addressOf(venue.record),
    emergency: b.emergency,
    series: b.series,
    instance: b.instance,
    appointmentType: service.serviceType === 'general_service' ? undefined : service.serviceType,
    seats: seats > 1 ? seats : undefined,
    bayAssignment: bayOf(venue.record, service, slot),
  }
  return {
    title: service.serviceName,
    organizer: (b.shownStaff ?? venue.tenant) as Appointment['organizer'],
    customer: b.customer,
    venue: venue.uri,
    service: bookedService(service, price),
    startTime: wire(slot.start) as Appointment['startTime'],
    endTime: wire(slot.end) as Appointment['endTime'],
    localStart: localOf(slot.start, location.timezone),
    timezone: location.timezone,
    meetingType: b.meetingType ?? service.meetingType ?? 'in_person',
    bookingSettings: settingsOf(bookingPolicy, service, waits),
    status: waits && by === 'customer' ? 'scheduled' : 'confirmed',
    payment: paymentOf(service, price),
    sequence: 0,
    history: [{ at, action: 'booked', by }],
    createdAt: at,
    ...(defined(given) as Partial<Appointment>),
  }
}

/** What is to be paid when booking, of what the service costs. */
export function paymentOf(
  service: ServiceRecord,
  price: Money | undefined,
): NonNullable<Appointment['payment']> {
  if (!service.deposit || !price) return { required: false }
  const amount = depositOf(price.amount, service.deposit)
  return amount === 0 ? { required: false } : { required: true, amount: { ...price, amount } }
}

function bookedService(service: ServiceRecord, price: Money | undefined): Appointment['service'] {
  const { serviceId, serviceName, duration = 60, product } = service
  return {
    serviceId,
    serviceName,
    duration,
    ...(price && { price: { amount: price.amount, currency: price.currency } }),
    ...(product !== undefined && { product }),
  }
}

function settingsOf(
  policy: co.kendev.enterprise.venue.BookingPolicy,
  service: ServiceRecord,
  requireConfirmation: boolean,
): Appointment['bookingSettings'] {
  return {
    allowCancellation: policy.allowCancellation ?? true,
    allowRescheduling: policy.allowRescheduling ?? true,
    requireConfirmation,
    cutOff: policy.cutOff ?? 24 * 60,
    ...defined({
      maxAttendees: service.maxAttendees,
      lateFeeBp: policy.lateFeeBp,
      noShowFeeBp: policy.noShowFeeBp,
      reminders: policy.reminders,
    }),
  }
}

function bayOf(
  { bayManagement }: Venue,
  service: ServiceRecord,
  { bayId }: Slot,
): Appointment['bayAssignment'] {
  if (bayId === undefined && service.requiresBay !== true) return undefined
  const bayName = bayManagement?.bays?.find((bay) => bay.bayId === bayId)?.bayName
  return {
    bayRequired: service.requiresBay ?? false,
    ...defined({ assignedBay: bayId, bayName }),
  }
}

function addressOf({ location: { address, suite } }: Venue): string | undefined {
  if (!address) return undefined
  const { street, locality, region, postalCode } = address
  const city = [postalCode, locality, region].filter(Boolean).join(' ')
  return [street, suite, city].filter(Boolean).join(', ').slice(0, 300) || undefined
}

function defined<T extends object>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<T>
}
