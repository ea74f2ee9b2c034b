import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Wish, canDo, findSlots, slotFor } from './availability.ts'
import { type Busy, bayResource, busyAt, collide, staffResource } from './busy.ts'
import { instantOf, localOf } from './local-time.ts'
import { type Plan, type Service, type Staff, bookingAt, timingOf } from './plan.ts'
import { contains, overlaps } from './span.ts'

const ZONE = 'Europe/Berlin'
const MINUTE = 60_000
const at = (local: string) => instantOf(local, ZONE)
const install: Service = {
  serviceId: 'install',
  duration: 60,
  before: 0,
  after: 0,
  grid: 15,
  gridOffset: 0,
  notice: 0,
  windowDays: 90,
  requiresBay: true,
  bayTypes: ['install_bay'],
  requiresStaff: true,
  specialties: [],
  seats: 1,
  mayCrossClosing: false,
}
const bay = (bayId: string, more: object = {}) => ({
  bayId,
  bayType: 'install_bay',
  isActive: true,
  ...more,
})
const member = (did: string, more: Partial<Staff> = {}): Staff => ({
  did,
  isActive: true,
  specialties: [],
  canFloatBays: true,
  ...more,
})
const monday = { dayOfWeek: 'monday', openTime: '09:00', closeTime: '13:00' }
const plan = (more: Partial<Plan> = {}): Plan => ({
  venue: 'shop',
  zone: ZONE,
  hours: { schedule: [monday] },
  buffer: 0,
  bays: [bay('one'), bay('two')],
  staff: [member('did:plc:ann'), member('did:plc:bob')],
  blackouts: [],
  timeOff: new Map(),
  ...more,
})
const wish = (more: Partial<Wish> = {}): Wish => ({
  service: install,
  within: { start: at('2026-11-30T00:00'), end: at('2026-12-01T00:00') },
  now: at('2026-11-29T12:00'),
  ...more,
})
let count = 0
const busy = (resource: string, local: string, duration = 60, buffer = 0): Busy => ({
  resource,
  booking: `b${(count += 1)}`,
  ...busyAt(at(local), { duration, before: buffer, after: buffer }),
})
const starts = (p: Plan, w: Wish, taken: readonly Busy[] = []) =>
  findSlots(p, w, { busy: taken }).map(({ start }) => localOf(start, ZONE).slice(11))

const alone = { bays: [bay('one')], staff: [member('did:plc:ann')] }
const ONE = bayResource('shop', 'one')
const ANN = staffResource('did:plc:ann')

test('after 10:00 to 11:00 with a buffer of 15 the next begins at 11:15, the one before ends 09:45', () => {
  const p = plan({ ...alone, buffer: 15 })
  const taken = [busy(ANN, '2026-11-30T10:00', 60, 15)]
  const offered = starts(p, wish(), taken)
  expect(offered).toEqual(['11:15', '11:30', '11:45', '12:00'])
  const half = { ...install, duration: 45 }
  expect(starts(p, wish({ service: half }), taken)[0]).toBe('09:00')
  expect(starts(p, wish({ service: half }), taken)).not.toContain('09:15')
})

test('the larger of two buffers counts, not their sum', () => {
  const service = { ...install, before: 30, after: 0 }
  const taken = [busy(ANN, '2026-11-30T09:00', 60, 15)]
  expect(starts(plan(alone), wish({ service }), taken)[0]).toBe('10:30')
  expect(starts(plan(alone), wish({ service: { ...service, before: 5 } }), taken)[0]).toBe('10:15')
})

test('two bays and two of the staff take two at once, two bays and one of the staff take one', () => {
  const slot = (p: Plan, taken: Busy[]) =>
    slotFor(p, wish(), { busy: taken }, at('2026-11-30T10:00'))
  const take = (p: Plan, taken: Busy[]) => {
    const { staff, bayId } = slot(p, taken)!
    const here = '2026-11-30T10:00'
    return [...taken, busy(`staff:${staff}`, here), busy(bayResource('shop', bayId!), here)]
  }
  expect(slot(plan(), take(plan(), take(plan(), [])))).toBeUndefined()
  expect(slot(plan(), take(plan(), []))).toMatchObject({ staff: 'did:plc:bob', bayId: 'two' })
  const single = plan({ staff: [member('did:plc:ann')] })
  expect(slot(single, take(single, []))).toBeUndefined()
})

test('whoever has the fewest bookings that day is chosen, and the one asked for is kept to', () => {
  const taken = [busy(ANN, '2026-11-30T12:00')]
  const chosen = (w: Wish) => findSlots(plan(), w, { busy: taken })[0]?.staff
  expect(chosen(wish())).toBe('did:plc:bob')
  expect(chosen(wish({ staff: 'did:plc:ann' }))).toBe('did:plc:ann')
  expect(chosen(wish({ staff: 'did:plc:eve' }))).toBeUndefined()
})

test('each works at their own bay first and at others only if they float', () => {
  const tied = member('did:plc:ann', { assignedBay: 'two', canFloatBays: false })
  const where = (staff: Staff, taken: Busy[] = []) =>
    findSlots(plan({ staff: [staff] }), wish(), { busy: taken })[0]?.bayId
  const full = [busy(bayResource('shop', 'two'), '2026-11-30T09:00', 240)]
  expect(where(tied)).toBe('two')
  expect(where(tied, full)).toBeUndefined()
  expect(where({ ...tied, canFloatBays: true })).toBe('two')
  expect(where({ ...tied, canFloatBays: true }, full)).toBe('one')
})

test('only who can do it does it, at a bay where it can be done', () => {
  const service = { ...install, specialties: ['tint', 'audio'] }
  const ann = member('did:plc:ann', { specialties: ['audio'] })
  const bob = member('did:plc:bob', { specialties: ['audio', 'tint', 'wash'] })
  expect(canDo(ann, service)).toBe(false)
  const [slot] = findSlots(plan({ staff: [ann, bob] }), wish({ service }), { busy: [] })
  expect(slot?.staff).toBe('did:plc:bob')
  expect(starts(plan({ staff: [member('x', { isActive: false })] }), wish())).toEqual([])
  expect(starts(plan({ bays: [bay('one', { bayType: 'wash_station' })] }), wish())).toEqual([])
  expect(starts(plan({ bays: [bay('one', { isActive: false })] }), wish())).toEqual([])
})

test('own hours, days off, blackouts and a daily maximum are kept to', () => {
  const p = (more: Partial<Plan>) => starts(plan({ ...alone, ...more }), wish())
  const hours = { schedule: [{ dayOfWeek: 'monday', openTime: '12:00', closeTime: '20:00' }] }
  expect(p({ staff: [member('did:plc:ann', { hours })] })).toEqual(['12:00'])
  const noon = { start: at('2026-11-30T09:30'), end: at('2026-11-30T12:00') }
  expect(p({ blackouts: [noon] })).toEqual(['12:00'])
  expect(p({ timeOff: new Map([['did:plc:ann', [noon]]]) })).toEqual(['12:00'])
  const taken = [busy(ANN, '2026-11-30T09:00')]
  const limited = plan({ ...alone, staff: [member('did:plc:ann', { dailyMax: 1 })] })
  expect(starts(limited, wish(), taken)).toEqual([])
})

test('notice, the window ahead, the grid and closing time bound what is offered', () => {
  const now = at('2026-11-30T09:50')
  const service = { ...install, notice: 60, grid: 30, gridOffset: 10 }
  expect(starts(plan(), wish({ service, now }))).toEqual(['11:10', '11:40'])
  const far = { ...install, windowDays: 0 }
  expect(starts(plan(), wish({ service: far, now }))).toEqual([])
  const long = { ...install, duration: 180 }
  expect(starts(plan(), wish({ service: long })).at(-1)).toBe('10:00')
  const crossing = { ...long, mayCrossClosing: true }
  expect(starts(plan(), wish({ service: crossing })).at(-1)).toBe('12:45')
})

test('a start of a group service is offered until its seats are taken', () => {
  const service = { ...install, seats: 4 }
  const start = at('2026-11-30T10:00')
  const session = { serviceId: 'install', start, booking: 'b', staff: 'did:plc:ann', bayId: 'one' }
  const taken = (n: number) => ({
    busy: [busy(ANN, '2026-11-30T10:00'), busy(ONE, '2026-11-30T10:00')],
    sessions: [{ ...session, taken: n }],
  })
  const p = plan(alone)
  expect(slotFor(p, wish({ service, seats: 2 }), taken(2), start)).toMatchObject({ session: 'b' })
  expect(slotFor(p, wish({ service, seats: 2 }), taken(3), start)).toBeUndefined()
  expect(slotFor(p, wish({ service, seats: 5 }), { busy: [] }, start)).toBeUndefined()
})

test('starts keep to the wall clock when the clocks change', () => {
  const hours = { schedule: [{ dayOfWeek: 'sunday', openTime: '01:00', closeTime: '05:00' }] }
  const on = (day: string, now: string, grid = 60) => {
    const within = { start: at(`${day}T00:00`), end: at(`${day}T12:00`) }
    const every = { ...install, grid }
    return starts(plan({ hours }), wish({ service: every, within, now: at(now) }))
  }
  expect(on('2027-03-28', '2027-03-01T00:00')).toEqual(['01:00', '03:00', '04:00'])
  expect(on('2027-03-28', '2027-03-01T00:00', 40)).toEqual(['01:00', '01:40', '03:00', '03:40'])
  expect(on('2026-10-25', '2026-10-01T00:00')).toEqual(['01:00', '02:00', '03:00', '04:00'])
})

test('what is offered does not depend on when one looks', () => {
  const hours = { schedule: [{ dayOfWeek: 'monday', openTime: '00:00', closeTime: '24:00' }] }
  const service = { ...install, grid: 50 }
  const within = { start: at('2026-11-30T10:00'), end: at('2026-11-30T11:00') }
  expect(starts(plan({ hours }), wish({ service, within }))).toEqual(['10:00', '10:50'])
})

const minutes = (max: number) => fc.integer({ min: 0, max }).map((n) => n * 5)
const bookings = fc.array(
  fc.record({
    resource: fc.constantFrom(ONE, bayResource('shop', 'two'), ANN, staffResource('did:plc:bob')),
    from: minutes(60),
    duration: minutes(18).map((n) => n + 5),
    before: minutes(6),
    after: minutes(6),
  }),
  { maxLength: 10 },
)
const services = fc.record({
  duration: minutes(20).map((n) => n + 5),
  before: minutes(6),
  after: minutes(6),
  grid: fc.constantFrom(5, 15, 20, 60),
  requiresBay: fc.boolean(),
})

test('exactly those starts are offered at which some free pair keeps out of every buffer', () => {
  fc.assert(
    fc.property(bookings, services, minutes(6), fc.boolean(), (taken, more, buffer, float) => {
      const service = { ...install, ...more }
      const staff = [
        member('did:plc:ann', { assignedBay: 'one', canFloatBays: float }),
        member('did:plc:bob', { assignedBay: 'two', canFloatBays: false }),
      ]
      const p = plan({ buffer, staff })
      const list = taken.map(({ resource, from, ...timing }, n): Busy => {
        const start = at('2026-11-30T08:00') + from * MINUTE
        return { resource, booking: `b${n}`, ...busyAt(start, timing) }
      })
      const offered = findSlots(p, wish({ service }), { busy: list })
      const open = { start: at('2026-11-30T09:00'), end: at('2026-11-30T13:00') }
      const free = (resource: string, start: number) =>
        list.every((b) => b.resource !== resource || !collide(bookingAt(p, service, start), b))
      const wanted: number[] = []
      for (let s = open.start; s < open.end; s += service.grid * MINUTE) {
        if (!contains(open, bookingAt(p, service, s).core)) continue
        const pairs = staff.flatMap((m) =>
          (m.canFloatBays ? ['one', 'two'] : [m.assignedBay!]).map((b) => [m.did, b] as const),
        )
        const fits = pairs.some(
          ([did, b]) =>
            free(staffResource(did), s) &&
            (!service.requiresBay || free(bayResource('shop', b), s)),
        )
        if (fits) wanted.push(s)
      }
      expect(offered.map(({ start }) => start)).toEqual(wanted)
      for (const { start, staff: did, bayId } of offered) {
        const { core } = bookingAt(p, service, start)
        const mine = [staffResource(did!), bayId && bayResource('shop', bayId)]
        const hit = list.some((b) => mine.includes(b.resource) && overlaps(core, b.padded))
        expect(hit).toBe(false)
      }
      expect(timingOf(p, service).before).toBe(Math.max(buffer, service.before))
    }),
    { numRuns: 2_000 },
  )
})
