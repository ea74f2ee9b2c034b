import type { Deciding } from '../../business/transact.ts'
import { bayResource, staffResource } from '../../booking/busy.ts'
import type { Standing } from './appointment-records.ts'
import { freeStarts, notFree } from './choose-slot.ts'
import { claim } from './claim.ts'
import { findVenue, planOf, serviceOf, timesOf } from './venue-plan.ts'

/** Makes sure that an appointment still has its start before it is confirmed: what waits has taken
 *  it, so this is for what has been taken from it since. Throws `SlotTaken`. */
export async function stillTaken(d: Deciding, standing: Standing): Promise<void> {
  const { tenant, rkey, record, notes } = standing
  if (notes.heldBy !== undefined) return
  const { rows } = await d.tx.query(
    'select 1 from repo.busy where tenant = $1 and booking = $2 limit 1',
    [tenant, rkey],
  )
  if (rows.length > 0) return
  const venue = await findVenue(d.tx, record.venue ?? '')
  const service = timesOf(serviceOf(venue, record.service?.serviceId ?? ''), 'staff')
  const [start, end] = [Date.parse(record.startTime), Date.parse(record.endTime)]
  const plan = await planOf(d.tx, venue, { start, end })
  const bayId = record.bayAssignment?.assignedBay
  const staff = notes.staff?.[0]
  const slot = { start, end, staff, bayId, seatsLeft: 1 }
  const takes = [
    ...(bayId === undefined ? [] : [bayResource(plan.venue, bayId)]),
    ...(staff === undefined ? [] : [staffResource(staff)]),
  ]
  if (takes.length === 0) return
  if (await claim(d, { plan, service, slot, booking: rkey, seats: 1 })) return
  const free = await freeStarts(d.tx, venue, { asked: { service, start }, now: d.now })
  throw notFree('SlotTaken', { venue, start, free })
}
