import { createHash } from 'node:crypto'
import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { localOf, wire } from '../../booking/local-time.ts'
import { type Mount, guestProcedure } from '../../serve.ts'
import type { BookingDeps } from './book-appointment.ts'
import { chooseSlot, freeStarts, notFree, startOf } from './choose-slot.ts'
import { claim, countHolds, release, releaseExpired } from './claim.ts'
import { type HoldOf, readHold, signHold } from './hold.ts'
import { requireBookable, serviceOf, timesOf } from './venue-plan.ts'

/** How long a start is held (`domain.md` N-12). */
const HOLD_MS = 10 * 60_000
/** How many starts one caller holds at a time, so that nobody keeps others out. */
const HOLDS_MAX = 5

/** `booking.holdSlot` and `releaseHold`: a start counts as taken while somebody fills in a form. */
export function holdSlot(mount: Mount, deps: BookingDeps): void {
  const { links, transact } = deps

  guestProcedure(mount, co.kendev.booking.holdSlot, async ({ input, viewer, address }) => {
    const venue = await requireBookable(deps.sql, input.venue)
    const service = timesOf(serviceOf(venue, input.serviceId), 'customer')
    const zone = venue.record.location.timezone
    const seats = input.seats ?? 1
    const asked = { ...input, service, start: startOf(input, zone), seats }
    const prefix = `hold:${callerName(viewer?.did ?? address)}:`
    const { hold, shown, until } = await transact({ tenant: venue.tenant }, async (d) => {
      await releaseExpired(d)
      const mine = { tenant: d.tenant, prefix, now: d.now }
      if ((await countHolds(d.tx, mine)) >= HOLDS_MAX) throw tooMany()
      const { plan, slot } = await chooseSlot(d.tx, venue, asked, d.now)
      const expires = new Date(d.now.getTime() + HOLD_MS)
      const booking = `${prefix}${d.nextTid()}`
      if (!(await claim(d, { plan, service, slot, booking, seats, until: expires }))) {
        const free = await freeStarts(d.tx, venue, { asked, now: d.now })
        throw notFree('SlotTaken', { venue, start: asked.start, free })
      }
      const { start, end, staff, bayId } = slot
      const { tenant, uri } = venue
      const { serviceId } = service
      const of: HoldOf = { tenant, booking, venue: uri, serviceId, start, end, staff, bayId, seats }
      const isShown = staff !== undefined && plan.shown.has(staff)
      const by = { actor: viewer?.did ?? d.tenant, role: viewer ? 'customer' : 'guest' }
      return {
        answer: { hold: of, shown: isShown, until: expires.getTime() },
        writes: [],
        by: { ...by, action: co.kendev.booking.holdSlot.$lxm },
      }
    })
    return {
      token: signHold(links, hold, new Date(until)),
      expiresAt: wire(until),
      startTime: wire(hold.start),
      endTime: wire(hold.end),
      localStart: localOf(hold.start, zone),
      timezone: zone,
      ...(shown && { staff: hold.staff }),
      ...(hold.bayId !== undefined && { bayId: hold.bayId }),
    } as never
  })

  guestProcedure(mount, co.kendev.booking.releaseHold, async ({ input, viewer }) => {
    const { tenant, booking } = readOwn(deps, input.token)
    await transact({ tenant }, async (d) => {
      await release(d, booking)
      const by = { actor: viewer?.did ?? tenant, role: viewer ? 'customer' : 'guest' }
      const action = co.kendev.booking.releaseHold.$lxm
      return { answer: {}, writes: [], by: { ...by, action } }
    })
    return {}
  })
}

/** What a token holds. Throws `InvalidLink` for one that holds nothing. */
function readOwn({ links, clock }: BookingDeps, token: string): HoldOf {
  try {
    return readHold(links, token, clock.now())
  } catch {
    throw new ForbiddenError('This holds nothing, or nothing any more.', 'InvalidLink')
  }
}

/** Tells callers apart in what they hold, without saying who they are. */
function callerName(caller: string): string {
  return createHash('sha256').update(caller).digest('hex').slice(0, 16)
}

function tooMany(): InvalidRequestError {
  return new InvalidRequestError(
    `You hold ${HOLDS_MAX} starts already. Book or release one, or wait ten minutes.`,
    'LimitExceeded',
  )
}
