import { XRPCError } from '@atproto/xrpc-server'
import type { Appointment } from '../../booking/appointment-change.ts'
import { bookingAt } from '../../booking/plan.ts'
import type { Deciding } from '../../business/transact.ts'
import type { Notes, Standing } from './appointment-records.ts'
import { type Asked, type Chosen, chooseSlot, freeStarts, notFree } from './choose-slot.ts'
import { claim, release, releaseExpired, releaseSeats } from './claim.ts'
import { sessionName } from './taken.ts'
import { type Venue, requireBookable, serviceOf, timesOf } from './venue-plan.ts'

/** Where an appointment is to be. */
export type Target = {
  readonly start: number
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
}

/** What moving has taken: the new start, and what stands beside it. */
export type Moved = {
  readonly chosen: Chosen
  readonly notes: Notes
  readonly organizer: string
  readonly bayAssignment: Appointment['bayAssignment']
}

/** Gives back what an appointment has taken. */
export async function freeUp(d: Deciding, { rkey, record, notes }: Standing): Promise<void> {
  if (notes.heldBy === undefined) return release(d, rkey)
  await releaseSeats(d, notes.heldBy, record.seats ?? 1)
}

/** Takes another start for an appointment and gives the old one back, both or neither: with the
 *  same person where they are free. Throws `SlotTaken` and `NotBookable`. */
export async function moveTo(
  d: Deciding,
  standing: Standing,
  { target, by }: { target: Target; by: 'customer' | 'staff' },
): Promise<Moved> {
  const { record, rkey, notes, tenant } = standing
  const venue = await requireBookable(d.tx, record.venue ?? '')
  await releaseExpired(d)
  await freeUp(d, standing)
  const asked = askedOf(venue, standing, { target, by })
  const chosen = await chooseKeeping(d, venue, { asked, keep: notes.staff?.[0] })
  const { plan, slot, service } = chosen
  const seats = record.seats ?? 1
  if (!(await claim(d, { plan, service, slot, booking: rkey, seats }))) {
    const free = await freeStarts(d.tx, venue, { asked, now: d.now })
    throw notFree('SlotTaken', { venue, start: target.start, free })
  }
  const { padded, core } = bookingAt(plan, service, slot.start)
  const minutes = (ms: number) => Math.round(ms / 60_000)
  const shown = slot.staff !== undefined && plan.shown.has(slot.staff)
  const bayName = venue.record.bayManagement?.bays?.find((b) => b.bayId === slot.bayId)?.bayName
  return {
    chosen,
    organizer: shown ? slot.staff! : tenant,
    bayAssignment:
      slot.bayId === undefined
        ? record.bayAssignment
        : {
            bayRequired: record.bayAssignment?.bayRequired ?? true,
            assignedBay: slot.bayId,
            ...(bayName !== undefined && { bayName }),
          },
    notes: {
      ...notes,
      ...(slot.staff !== undefined && { staff: [slot.staff] }),
      bufferTime: {
        before: minutes(core.start - padded.start),
        after: minutes(padded.end - core.end),
      },
      ...(service.seats > 1 && {
        heldBy: sessionName(plan.venue, service.serviceId, slot.start),
      }),
    },
  }
}

/** It stays as long as it was booked, whatever the service takes now. */
function askedOf(
  venue: Venue,
  { record }: Standing,
  { target, by }: { target: Target; by: 'customer' | 'staff' },
): Asked {
  const service = timesOf(serviceOf(venue, record.service?.serviceId ?? ''), by)
  const duration = record.service?.duration ?? service.duration
  const { emergency, seats } = record
  return { ...target, service: { ...service, duration }, emergency, seats }
}

async function chooseKeeping(
  d: Deciding,
  venue: Venue,
  { asked, keep }: { asked: Asked; keep: string | undefined },
): Promise<Chosen> {
  if (asked.staff !== undefined || keep === undefined) return chooseSlot(d.tx, venue, asked, d.now)
  try {
    return await chooseSlot(d.tx, venue, { ...asked, staff: keep }, d.now)
  } catch (error) {
    if (!(error instanceof XRPCError)) throw error
    return chooseSlot(d.tx, venue, asked, d.now)
  }
}
