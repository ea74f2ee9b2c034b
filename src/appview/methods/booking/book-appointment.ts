import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Viewer } from '../../access.ts'
import { customerOf } from '../../business/customers.ts'
import type { SignedLinks } from '../../business/signed-links.ts'
import type { Deciding, Decision, Transact } from '../../business/transact.ts'
import { type Mount, type Reading, guestProcedure } from '../../serve.ts'
import { linkOf } from './appointment-link.ts'
import { type Booker, bookerOf } from './booker.ts'
import { type Chosen, chooseSlot, freeStarts, notFree, startOf } from './choose-slot.ts'
import { type Claim, claim, keepHeld, releaseExpired } from './claim.ts'
import { type Held, readHold } from './hold.ts'
import { composeBooking } from './compose-booking.ts'
import { shownAppointment } from './show-appointment.ts'
import { customerJob } from './tell-customer.ts'
import { bookedEntries } from './waitlist-offers.ts'
import { type Venue, requireBookable, serviceOf, timesOf } from './venue-plan.ts'

/** What booking needs. */
export type BookingDeps = Reading & {
  readonly transact: Transact
  readonly links: SignedLinks
  readonly clock: { now(): Date }
}

type Input = co.kendev.booking.bookAppointment.$InputBody

/** `booking.bookAppointment`: takes a start, or one that is held, and stores the appointment,
 *  all in one transaction. Of many at once for one start, one has it (`domain.md` 11.1). */
export function bookAppointment(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.booking.bookAppointment, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const venue = await requireBookable(deps.sql, input.venue)
    const { tenant } = venue
    const booker = await bookerOf(deps.sql, {
      ...input,
      tenant,
      viewer,
      permission: 'manage_orders',
    })
    const method = co.kendev.booking.bookAppointment.$lxm
    const caller = viewer?.did ?? ''
    const order = { deps, venue, booker, input, viewer }
    const early = await lookAhead(order, key)
    const { uri } = await deps.transact({ tenant, once: { caller, method, key, input } }, (d) =>
      book(d, order, early),
    )
    const appointment = await shownAppointment(deps, uri)
    const token = linkOf(deps.links, uri, appointment)
    const feed = `${deps.origin}/xrpc/${co.kendev.booking.getCalendarFile.$lxm}?token=${token}`
    return { appointment, token, feed } as never
  })
}

type Booked = { uri: string }

/** All that one booking is decided by. */
export type Order = {
  deps: BookingDeps
  venue: Venue
  booker: Booker
  input: Input
  viewer: Viewer | undefined
}

/** Looks for a slot before it is anybody's turn, so that turns are short: when it is taken
 *  meanwhile another is looked for. Whoever asks again, with a key, may have what they ask for
 *  already. */
async function lookAhead(order: Order, key: string | undefined): Promise<Chosen | undefined> {
  const { deps, venue, input } = order
  const asked = askedOf(order, input.seats ?? 1)
  // Of a group the seats decide, and those that are held no more are given back in a turn.
  if (input.hold !== undefined || asked.service.seats > 1) return undefined
  try {
    return await chooseSlot(deps.sql, venue, asked, deps.clock.now())
  } catch (error) {
    if (key === undefined) throw error
    return undefined
  }
}

function askedOf(
  { venue, booker, input }: Pick<Order, 'venue' | 'booker' | 'input'>,
  seats: number,
) {
  const service = timesOf(serviceOf(venue, input.serviceId), booker.by)
  const start = startOf(input, venue.record.location.timezone)
  const { staff, bayId, emergency } = input
  return { service, start, staff, bayId, emergency, seats }
}

async function book(
  d: Deciding,
  order: Order,
  early: Chosen | undefined,
): Promise<Decision<Booked>> {
  const { deps, venue, booker, input } = order
  await releaseExpired(d)
  const rkey = d.nextTid()
  const seats = input.seats ?? 1
  const held = input.hold === undefined ? undefined : readHold(deps.links, input.hold, d.now)
  const customer = await customerOf(d, booker.who)
  const chosen = held
    ? await takeHeld(d, order, { held, rkey })
    : await takeFree(d, order, { rkey, seats, early })
  const composed = await composeBooking(d, {
    rkey,
    venue,
    booker,
    customer,
    chosen,
    service: serviceOf(venue, input.serviceId),
    seats: held?.seats ?? seats,
    details: input,
    charges: true,
  })
  const waited = await bookedEntries(d, {
    place: customer.place,
    venue: venue.uri,
    serviceId: input.serviceId,
    start: chosen.slot.start,
  })
  return {
    answer: { uri: composed.uri },
    writes: [...customer.writes, ...composed.writes, ...waited],
    jobs: [
      ...composed.jobs,
      customerJob({ tenant: d.tenant, place: customer.place, rkey }, 'booked', '0'),
    ],
    by: {
      actor: order.viewer?.did ?? d.tenant,
      role: booker.role,
      action: co.kendev.booking.bookAppointment.$lxm,
    },
  }
}

/** Takes what was held: nobody else could meanwhile. Throws `HoldExpired`. */
async function takeHeld(
  d: Deciding,
  { venue, input }: Order,
  { held, rkey }: { held: Held; rkey: string },
): Promise<Chosen> {
  const same = held.venue === venue.uri && held.serviceId === input.serviceId
  if (!same || !(await keepHeld(d, held.booking, rkey)))
    throw new InvalidRequestError(
      'What you held is held no more, or was something else. Look for a start again.',
      'HoldExpired',
    )
  const service = timesOf(serviceOf(venue, input.serviceId), 'customer')
  const { start, end, staff, bayId } = held
  const slot = { start, end, staff, bayId, seatsLeft: service.seats }
  const plan = await held.planOf(d.tx, venue)
  return { plan, slot, service }
}

/** Takes what was looked for beforehand; when it is taken, nothing of the attempt is left. */
async function claimEarly(d: Deciding, wish: Claim): Promise<boolean> {
  await d.tx.query('savepoint early')
  if (await claim(d, wish)) return true
  await d.tx.query('rollback to savepoint early')
  return false
}

/** Takes a start that is free. Throws `SlotTaken` and `NotBookable`. */
export async function takeFree(
  d: Deciding,
  { venue, booker, input }: Pick<Order, 'venue' | 'booker' | 'input'>,
  { rkey, seats, early }: { rkey: string; seats: number; early: Chosen | undefined },
): Promise<Chosen> {
  if (early && (await claimEarly(d, { ...early, booking: rkey, seats }))) return early
  const asked = askedOf({ venue, booker, input }, seats)
  const { service, start } = asked
  const chosen = await chooseSlot(d.tx, venue, asked, d.now)
  const { plan, slot } = chosen
  if (await claim(d, { plan, service, slot, booking: rkey, seats })) return chosen
  const free = await freeStarts(d.tx, venue, { asked, now: d.now })
  throw notFree('SlotTaken', { venue, start, free })
}
