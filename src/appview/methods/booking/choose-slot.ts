import { InvalidRequestError, type ResponseType, XRPCError } from '@atproto/xrpc-server'
import { type Slot, type Taken, type Wish, findSlots, slotFor } from '../../booking/availability.ts'
import { instantOf, isLocalTime, localOf } from '../../booking/local-time.ts'
import type { Service } from '../../booking/plan.ts'
import type { Span } from '../../booking/span.ts'
import type { Sql } from '../../sql.ts'
import { takenOf } from './taken.ts'
import { type Venue, type VenuePlan, planOf } from './venue-plan.ts'

const DAY = 86_400_000
/** How far ahead another start is looked for, to be named when one is taken. */
const NAMED_WITHIN = 31 * DAY
const NAMED = 3

/** What of a venue is asked for. */
export type Asked = {
  readonly service: Service
  readonly start: number
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
  readonly seats?: number | undefined
  readonly emergency?: boolean | undefined
  /** A booking that does not count as taken: the one to be moved. */
  readonly except?: string | undefined
}

/** A start that can be booked, with all that decided it. */
export type Chosen = {
  readonly plan: VenuePlan
  readonly slot: Slot
  readonly service: Service
}

/** When something is to begin: an instant, or a time on the clock there. Throws
 *  `InvalidRequest`. */
export function startOf(
  { startTime, localStart }: { startTime?: string | undefined; localStart?: string | undefined },
  zone: string,
): number {
  if ((startTime === undefined) === (localStart === undefined))
    throw new InvalidRequestError('Say when: either startTime or localStart.')
  if (startTime !== undefined) return Date.parse(startTime)
  if (isLocalTime(localStart!)) return instantOf(localStart!, zone)
  throw new InvalidRequestError(`${localStart} is no time that the calendar has.`)
}

/** The slot at a start: who does it and where. Throws `SlotTaken` when only other bookings are
 *  in the way and `NotBookable` when hours, notice or blocks are, both with three starts that
 *  are free. */
export async function chooseSlot(sql: Sql, venue: Venue, asked: Asked, now: Date): Promise<Chosen> {
  const { start, service, except } = asked
  const length = service.duration * 60_000
  const within = { start: start - DAY, end: start + length + DAY }
  const plan = await planOf(sql, venue, within)
  const at = { tenant: venue.tenant, now }
  const taken = without(await takenOf(sql, plan, { ...at, within }), except)
  const wish: Wish = { ...asked, within, now: now.getTime() }
  const slot = slotFor(plan, wish, taken, start)
  if (slot) return { plan, slot, service }
  const free = await freeStarts(sql, venue, { asked, now })
  const bookable = slotFor(plan, wish, { busy: [] }, start) !== undefined
  throw notFree(bookable ? 'SlotTaken' : 'NotBookable', { venue, start, free })
}

/** Three starts that are free, the nearest after the one asked for. */
export async function freeStarts(
  sql: Sql,
  venue: Venue,
  { asked, now }: { asked: Asked; now: Date },
): Promise<number[]> {
  const from = Math.max(asked.start, now.getTime())
  const within: Span = { start: from, end: from + NAMED_WITHIN }
  const reach = { start: within.start - DAY, end: within.end + DAY }
  const plan = await planOf(sql, venue, reach)
  const taken = await takenOf(sql, plan, { tenant: venue.tenant, within: reach, now })
  const wish: Wish = { ...asked, within, now: now.getTime() }
  return findSlots(plan, wish, without(taken, asked.except), NAMED).map((slot) => slot.start)
}

function without({ busy, sessions }: Taken, except: string | undefined): Taken {
  return { busy: busy.filter(({ booking }) => booking !== except), sessions }
}

/** What is said of a start that cannot be had: with status 409 when others have it. */
export function notFree(
  name: 'SlotTaken' | 'NotBookable',
  at: { venue: Pick<Venue, 'record'>; start: number; free: readonly number[] },
): XRPCError {
  const { venue, start, free } = at
  const { location, name: called } = venue.record
  const zone = location.timezone
  const asked = localOf(start, zone)
  const why = name === 'SlotTaken' ? `${asked} is taken.` : `${asked} is no start at ${called}.`
  const starts = free.map((one) => localOf(one, zone)).join(', ')
  const others = starts ? `Free are ${starts} (${zone}).` : 'Nothing is free in the month after it.'
  if (name === 'NotBookable') return new InvalidRequestError(`${why} ${others}`, name)
  return new XRPCError(409 as ResponseType, `${why} ${others}`, name)
}
