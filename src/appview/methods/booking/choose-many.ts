import type { Taken, Wish } from '../../booking/availability.ts'
import { type Slot, slotFor } from '../../booking/availability.ts'
import { type Busy, bayResource, staffResource } from '../../booking/busy.ts'
import { type Service, bookingAt } from '../../booking/plan.ts'
import type { Deciding } from '../../business/transact.ts'
import { takenOf } from './taken.ts'
import { type Venue, type VenuePlan, planOf } from './venue-plan.ts'

const DAY = 86_400_000

/** What of a venue is asked for, at several starts. */
export type AskedMany = Pick<Wish, 'service' | 'staff' | 'bayId' | 'emergency'> & {
  readonly starts: readonly number[]
}

/** A slot for each start, or why there is none: others have it, or the venue is not open then. */
export type Choice = { readonly start: number } & (
  | { readonly slot: Slot }
  | { readonly skipped: 'taken' | 'closed' }
)

/** Slots for several starts, of which each counts as taken for those after it. What is there is
 *  read once for all. */
export async function chooseMany(
  d: Deciding,
  venue: Venue,
  asked: AskedMany,
): Promise<{ plan: VenuePlan; choices: Choice[] }> {
  const { starts, service } = asked
  const within = { start: Math.min(...starts) - DAY, end: Math.max(...starts) + 8 * DAY }
  const plan = await planOf(d.tx, venue, within)
  const { tenant, now } = d
  const { busy, sessions } = await takenOf(d.tx, plan, { tenant, within, now })
  const all = [...busy]
  const choices = starts.map((start): Choice => {
    const wish: Wish = { ...asked, within, now: now.getTime() }
    const near: Taken = { busy: all.filter(({ core }) => isNear(core.start, start)), sessions }
    const slot = slotFor(plan, wish, near, start)
    if (slot) {
      all.push(...busyOf(plan, service, slot))
      return { start, slot }
    }
    const open = slotFor(plan, wish, { busy: [] }, start) !== undefined
    return { start, skipped: open ? 'taken' : 'closed' }
  })
  return { plan, choices }
}

/** Whether something may be in the way of, or on the same day as, what begins at a start. */
function isNear(at: number, start: number): boolean {
  return Math.abs(at - start) < 9 * DAY
}

function busyOf(plan: VenuePlan, service: Service, slot: Slot): Busy[] {
  const spans = bookingAt(plan, service, slot.start)
  const booking = `chosen ${slot.start}`
  return [
    ...(slot.bayId === undefined ? [] : [bayResource(plan.venue, slot.bayId)]),
    ...(slot.staff === undefined ? [] : [staffResource(slot.staff)]),
  ].map((resource) => ({ resource, booking, ...spans }))
}
