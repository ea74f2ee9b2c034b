import { barredStarts, bayResource, staffResource, type Busy } from './busy.ts'
import { dateOf, exists, instantOf, localOf, minutesLater } from './local-time.ts'
import { openSpans, stretches } from './opening-hours.ts'
import { type Plan, type Service, type Staff, timingOf } from './plan.ts'
import { type Span, contains, united, without } from './span.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/** What is looked for. */
export type Wish = {
  readonly service: Service
  /** Starts in this time, in milliseconds. */
  readonly within: Span
  readonly now: number
  /** Somebody wanted; anybody who can when it is left out. */
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
  readonly emergency?: boolean | undefined
  /** How many seats; 1 when it is left out. */
  readonly seats?: number | undefined
}

/** Seats taken at the starts of a group service: by start, and who and where it is. */
export type Session = {
  readonly serviceId: string
  readonly start: number
  readonly booking: string
  readonly taken: number
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
}

/** What is taken at a venue: by resource, and the sessions of group services. */
export type Taken = {
  readonly busy: readonly Busy[]
  readonly sessions?: readonly Session[] | undefined
}

/** A start that can be booked, who would do it and where, and how many seats are left. */
export type Slot = {
  readonly start: number
  readonly end: number
  readonly staff?: string | undefined
  readonly bayId?: string | undefined
  readonly seatsLeft: number
  /** The session to join, when some of its seats are taken. */
  readonly session?: string | undefined
}

/** All starts at which a service can be booked, in order, each with who would do it and where.
 *  Whoever has the fewest bookings that day comes first, then by DID, so that the same question
 *  has the same answer (`domain.md` 11.1, 6). Ends early when `most` are found. */
export function findSlots(plan: Plan, wish: Wish, taken: Taken, most = Infinity): Slot[] {
  const { service } = wish
  const choices = choicesOf(plan, wish)
  const bars = barredOf(plan, service, taken.busy)
  const sessions = (taken.sessions ?? []).filter((s) => s.serviceId === service.serviceId)
  const joined = new Map(sessions.map((session) => [session.start, session]))
  const loads = loadsOf(plan.zone, taken.busy)
  const away = awayOf(plan, wish)
  const slots: Slot[] = []
  for (const start of startsOf(plan, wish)) {
    const slot = slotAt(start, { plan, wish, choices, bars, joined, loads, away })
    if (slot) slots.push(slot)
    if (slots.length >= most) break
  }
  return slots
}

/** What `findSlots` would answer for one start; undefined when it cannot be booked. */
export function slotFor(plan: Plan, wish: Wish, taken: Taken, start: number): Slot | undefined {
  return findSlots(plan, { ...wish, within: { start, end: start + 1 } }, taken, 1)[0]
}

type Looking = {
  plan: Plan
  wish: Wish
  choices: readonly { member: Staff | undefined; bays: readonly (string | undefined)[] }[]
  bars: ReadonlyMap<string, readonly Span[]>
  joined: ReadonlyMap<number, Session>
  loads: ReadonlyMap<string, number>
  away: ReadonlyMap<string, readonly Span[]>
}

function slotAt(start: number, looking: Looking): Slot | undefined {
  const { plan, wish, choices, bars, joined, loads, away } = looking
  const { service, seats = 1 } = wish
  const end = start + service.duration * MINUTE
  const session = service.seats > 1 ? joined.get(start) : undefined
  if (session) {
    const seatsLeft = service.seats - session.taken
    const { staff, bayId, booking } = session
    const wanted = wish.staff === undefined || wish.staff === staff
    if (!wanted || seatsLeft < seats) return undefined
    return { start, end, staff, bayId, seatsLeft, session: booking }
  }
  if (seats > service.seats) return undefined
  const day = dateOf(start, plan.zone)
  const load = (did: string) => loads.get(`${day} ${did}`) ?? 0
  const free = choices
    .filter(({ member }) => {
      if (!member) return true
      if ((member.dailyMax ?? Infinity) <= load(member.did)) return false
      if (hits(bars.get(staffResource(member.did)), start)) return false
      return !(away.get(member.did) ?? []).some((s) => s.start < end && start < s.end)
    })
    .toSorted((a, b) => load(a.member?.did ?? '') - load(b.member?.did ?? ''))
  for (const { member, bays } of free)
    for (const bayId of bays) {
      if (bayId !== undefined && hits(bars.get(bayResource(plan.venue, bayId)), start)) continue
      return { start, end, staff: member?.did, bayId, seatsLeft: service.seats }
    }
  return undefined
}

/** Who could do it and at which bays, best first: the member's own bay, then others if they float
 *  (`domain.md` D-64). Nobody has a bay they may not use; one without an own bay may use any. */
function choicesOf(plan: Plan, { service, staff, bayId }: Wish): Looking['choices'] {
  const fit = plan.bays.filter(
    (bay) =>
      bay.isActive &&
      (bayId === undefined || bay.bayId === bayId) &&
      (service.bayTypes.length === 0 || service.bayTypes.includes(bay.bayType)),
  )
  const names = fit.map((bay) => bay.bayId)
  const anywhere = service.requiresBay || bayId !== undefined ? names : [undefined]
  if (!service.requiresStaff && staff === undefined)
    return anywhere.length > 0 ? [{ member: undefined, bays: anywhere }] : []
  return plan.staff
    .filter((member) => staff === undefined || member.did === staff)
    .filter((member) => canDo(member, service))
    .toSorted((a, b) => (a.did < b.did ? -1 : 1))
    .map((member) => ({
      member,
      bays: anywhere[0] === undefined ? anywhere : baysOf(member, names),
    }))
    .filter(({ bays }) => bays.length > 0)
}

/** Whether somebody works and has all that a service asks for. */
export function canDo(member: Staff, service: Service): boolean {
  return member.isActive && service.specialties.every((one) => member.specialties.includes(one))
}

function baysOf({ assignedBay, canFloatBays }: Staff, names: readonly string[]): string[] {
  if (assignedBay === undefined) return [...names]
  const own = names.filter((name) => name === assignedBay)
  return canFloatBays ? [...own, ...names.filter((name) => name !== assignedBay)] : own
}

function barredOf(plan: Plan, service: Service, busy: readonly Busy[]) {
  const timing = timingOf(plan, service)
  const spans = Map.groupBy(busy, ({ resource }) => resource)
  return new Map(
    [...spans].map(([resource, list]) => {
      const bars = list.map((one) => barredStarts(one, timing))
      return [resource, joinedBars(bars)] as const
    }),
  )
}

/** Stretches whose ends are not in them, as few as possible and in order. Two that only meet stay
 *  apart: at the instant between them something may begin. */
function joinedBars(bars: readonly Span[]): Span[] {
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of bars.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else joined.push({ start, end })
  }
  return joined
}

/** Whether an instant lies within one of the stretches, ends not counted. */
function hits(bars: readonly Span[] = [], at: number): boolean {
  let [low, high] = [0, bars.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (bars[middle]!.start < at) low = middle + 1
    else high = middle
  }
  return low > 0 && at < bars[low - 1]!.end
}

/** How many bookings each has on each day there, by `<date> <did>`. */
function loadsOf(zone: string, busy: readonly Busy[]): Map<string, number> {
  const loads = new Map<string, number>()
  for (const { resource, core } of busy) {
    if (!resource.startsWith('staff:')) continue
    const key = `${dateOf(core.start, zone)} ${resource.slice('staff:'.length)}`
    loads.set(key, (loads.get(key) ?? 0) + 1)
  }
  return loads
}

/** When each is not there: outside of their hours, and while they are away. */
function awayOf(plan: Plan, wish: Wish): Map<string, Span[]> {
  const within = reachOf(wish)
  const { zone } = plan
  return new Map(
    plan.staff.map(({ did, hours }) => {
      const off = plan.timeOff.get(did) ?? []
      const there = hours ? openSpans(hours, within, { zone, emergency: wish.emergency }) : [within]
      return [did, without([within], without(there, off))]
    }),
  )
}

/** The time a search looks at: until what begins last is over. */
function reachOf({ within, service }: Wish): Span {
  return { start: within.start - DAY, end: within.end + service.duration * MINUTE + DAY }
}

/** Where bookings could begin by hours, blackouts, notice and window alone, in order. */
function startsOf(plan: Plan, wish: Wish): number[] {
  const { service, now, emergency } = wish
  const how = { zone: plan.zone, emergency }
  const reach = reachOf(wish)
  const from = Math.max(wish.within.start, now + service.notice * MINUTE)
  const to = Math.min(wish.within.end, now + service.windowDays * DAY)
  const entries = stretches(plan.hours, reach, how)
  const open = united(entries)
  const black = united(plan.blackouts)
  const starts = entries
    .filter((entry) => entry.start < to && entry.end > from)
    .flatMap((entry) => gridOf(entry, service, plan.zone))
    .filter((start) => {
      const end = start + service.duration * MINUTE
      if (start < from || start >= to) return false
      if (!service.mayCrossClosing && !open.some((span) => contains(span, { start, end })))
        return false
      return !black.some((span) => span.start < end && start < span.end)
    })
  return [...new Set(starts)].toSorted((a, b) => a - b)
}

/** The starts of one stretch, counted on the wall clock from its beginning; what a change of the
 *  clocks leaves out is left out. */
function gridOf(span: Span, { grid, gridOffset }: Service, zone: string): number[] {
  const starts: number[] = []
  if (offset(span.start, zone) === offset(span.end, zone)) {
    for (let at = span.start + gridOffset * MINUTE; at < span.end; at += grid * MINUTE)
      starts.push(at)
    return starts
  }
  const first = minutesLater(localOf(span.start, zone), gridOffset)
  for (let n = 0; ; n += 1) {
    const local = minutesLater(first, n * grid)
    const at = instantOf(local, zone)
    if (at >= span.end) return starts
    if (at >= span.start && exists(local, zone)) starts.push(at)
  }
}

/** How far the wall clock is ahead of UTC at an instant, in milliseconds. */
function offset(at: number, zone: string): number {
  return Date.parse(`${localOf(at, zone)}Z`) - Math.floor(at / MINUTE) * MINUTE
}
