import { co } from '../../../lexicons/index.ts'
import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { appointmentCommission } from '../../booking/appointment-commission.ts'
import { newAppointment } from '../../booking/new-appointment.ts'
import { timingOf } from '../../booking/plan.ts'
import type { CustomerSpace } from '../../business/customers.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { recordUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import { appointmentWrites } from './appointment-records.ts'
import type { Booker } from './booker.ts'
import type { Chosen } from './choose-slot.ts'
import { orderFor } from './pay-appointment.ts'
import { priceOf } from './price.ts'
import { reminderJobs } from './reminders.ts'
import { sessionName } from './taken.ts'
import { staffJobs } from './tell-staff.ts'
import type { ServiceRecord, Venue } from './venue-plan.ts'

/** What was said beside where and when. */
export type Details = Partial<
  Pick<
    co.kendev.booking.bookAppointment.$InputBody,
    'notes' | 'location' | 'meetingType' | 'emergency' | 'source'
  >
>

/** A start that was taken, and what becomes of it. */
export type Taking = {
  readonly rkey: string
  readonly venue: Venue
  readonly booker: Booker
  readonly customer: CustomerSpace
  readonly chosen: Chosen
  readonly service: ServiceRecord
  readonly seats: number
  readonly details: Details
  /** The series it is one of, and which of it. */
  readonly of?: { readonly series: string; readonly instance: string }
  /** Whether what is to be paid when booking is ordered now. */
  readonly charges?: boolean
}

type Composed = { uri: string; writes: readonly TenantWrite[]; jobs: readonly Job[] }

/** The records and jobs of an appointment whose start is taken. */
export async function composeBooking(d: Deciding, taking: Taking): Promise<Composed> {
  const { rkey, venue, customer, chosen, service } = taking
  const { plan, slot } = chosen
  const uri = recordUri(d.tenant, appointments.nsid, rkey)
  const price = await priceOf(d.tx, venue, service)
  const record = recordOf(d, taking, price)
  const source = await sourceOf(d.tx, taking)
  const order = await orderOf(d, { taking, record, uri, source })
  const { before, after } = timingOf(plan, chosen.service)
  const session = sessionName(plan.venue, service.serviceId, slot.start)
  const files = {
    record: order ? { ...record, payment: { ...record.payment!, order: order.uri } } : record,
    notes: {
      ...(slot.staff !== undefined && { staff: [slot.staff] }),
      bufferTime: { before, after },
      ...(chosen.service.seats > 1 && { heldBy: session }),
    },
    terms: {
      source,
      ...(slot.staff !== undefined && { performer: slot.staff }),
    },
  }
  const at = { rkey, place: customer.place }
  return {
    uri,
    writes: [...(order?.writes ?? []), ...(await appointmentWrites(d, at, files))],
    jobs: [
      ...reminderJobs(at, files.record, d.now),
      ...(taking.booker.by === 'customer' && !taking.of
        ? staffJobs(uri, files.record, { staff: files.notes.staff, news: 'booked' })
        : []),
      ...(order?.jobs ?? []),
    ],
  }
}

function recordOf(
  d: Deciding,
  { venue, booker, customer, chosen, service, seats, details, of }: Taking,
  price: co.kendev.defs.Money | undefined,
) {
  const { slot, plan } = chosen
  return newAppointment({
    ...details,
    ...of,
    venue,
    service,
    price,
    slot,
    now: d.now.getTime(),
    by: booker.by,
    customer: customer.key,
    attendee: booker.attendee,
    contact: booker.contact as never,
    seats,
    shownStaff: slot.staff !== undefined && plan.shown.has(slot.staff) ? slot.staff : undefined,
  })
}

function orderOf(
  d: Deciding,
  of: { taking: Taking; record: Appointment; uri: string; source: string },
) {
  const { taking, record, uri, source } = of
  if (!taking.charges) return undefined
  const { booker, customer, chosen } = taking
  const did = chosen.slot.staff
  const type = record.appointmentType ?? ''
  const { rateBp } = appointmentCommission({ appointmentType: type, source }, 0)
  return orderFor(d, {
    buyer: { who: booker.who, contact: booker.contact, customer },
    uri,
    record,
    source,
    performer: did === undefined ? undefined : { did, rateBp },
    action: co.kendev.booking.bookAppointment.$lxm,
    actor: booker.actor === 'guest' ? d.tenant : booker.actor,
    where: taking.venue.record.location.address,
  })
}

/** Where it came from: the staff says it; of others it is found out, so that nobody claims a better
 *  commission. Who was there before comes by themselves (`domain.md` N-03). */
async function sourceOf(sql: Sql, { booker, details, customer }: Taking): Promise<string> {
  if (booker.by === 'staff' && details.source !== undefined) return details.source
  const { rows } = await sql.query(
    `select 1 from appview."${appointments.table}"
     where place = $1 and status = 'completed' limit 1`,
    [customer.place],
  )
  return rows.length > 0 ? 'repeat_customer' : 'system_generated'
}
