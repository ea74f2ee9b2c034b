import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  mirrorEvent,
  promoteAll,
  promoteWaiting,
} from '../src/appview/methods/enterprise/event-jobs.ts'
import {
  ANN,
  BOB,
  type BookingWorld,
  ENTERPRISE,
  GRACE,
  HEIDI,
  OWNER,
  RIVAL,
  SHOP,
  bookingWorld,
  refusal,
} from './booking-world.ts'

type Rsvp = { uri: string; status: string; seats: number; promotedAt?: string }
type Answered = { rsvp: Rsvp; token: string }
type Event = { uri: string; status: string; sequence: number; isPublic: boolean }

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld()
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const call = <T>(did: string | undefined, method: string, body: object) =>
  world.as(did).call<T>(`${ENTERPRISE}.${method}`, body)
const get = <T>(did: string | undefined, method: string, params: Record<string, string>) =>
  world.as(did).get<T>(`${ENTERPRISE}.${method}`, params)
const put = (more: object = {}, did = OWNER, uri?: string) =>
  call<Event>(did, 'putEvent', {
    tenant: SHOP,
    ...(uri && { uri }),
    event: {
      $type: `${ENTERPRISE}.event`,
      title: 'Sound evening',
      eventType: 'meetup',
      eventDate: '2026-12-04',
      startTime: '19:00',
      timezone: 'America/New_York',
      isPublic: true,
      createdAt: '2026-11-23T10:00:00Z',
      ...more,
    },
  })
const answer = (did: string | undefined, event: string, more: object = {}) =>
  call<Answered>(did, 'answerEvent', { event, status: 'going', ...more })
const shown = (did: string, { rsvp }: Answered) => get<Rsvp>(did, 'getRsvp', { uri: rsvp.uri })

test('the last place of an event has one taker, however many ask for it at once', async () => {
  const { uri } = await put({ capacity: 3 })
  await answer(GRACE, uri)
  await answer(HEIDI, uri)
  const crowd = Array.from({ length: 30 }, (_, n) => `did:plc:fan${n}`)
  const done = await Promise.allSettled(crowd.map((did) => answer(did, uri)))
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const errors = done.flatMap((d) => (d.status === 'rejected' ? [d.reason.error as string] : []))
  expect(new Set(errors)).toEqual(new Set(['EventFull']))
})

test('who waits gets the next free place in order, and gives it back to the next', async () => {
  const { uri } = await put({ capacity: 2, waitlist: true, maxGuests: 2 })
  const grace = await answer(GRACE, uri, { seats: 2 })
  world.now = new Date(world.now.getTime() + 1_000)
  const heidi = await answer(HEIDI, uri, { seats: 2 })
  world.now = new Date(world.now.getTime() + 1_000)
  const ivan = await answer('did:plc:ivan', uri)
  expect([grace, heidi, ivan].map(({ rsvp }) => rsvp.status)).toEqual([
    'going',
    'waitlisted',
    'waitlisted',
  ])
  await answer(GRACE, uri, { seats: 1 })
  // One place is free, but the next in line wants two: nobody is passed by.
  expect((await shown('did:plc:ivan', ivan)).status).toBe('waitlisted')
  world.now = new Date(world.now.getTime() + 1_000)
  expect((await answer('did:plc:newcomer', uri)).rsvp.status).toBe('waitlisted')
  await call(GRACE, 'leaveEvent', { rsvp: grace.rsvp.uri })
  const promoted = await shown(HEIDI, heidi)
  expect([promoted.status, promoted.promotedAt !== undefined]).toEqual(['going', true])
  await call(undefined, 'leaveEvent', { rsvp: heidi.rsvp.uri, token: heidi.token })
  expect((await shown('did:plc:ivan', ivan)).status).toBe('going')
  const stats = await get<Record<string, number>>(BOB, 'getEventStats', { event: uri })
  expect(stats).toMatchObject({ going: 2, seatsLeft: 0, waitlistSize: 0, actualAttendees: 0 })
  expect(stats).not.toHaveProperty('noShows')
})

test('more places let more in, fewer than are taken are refused', async () => {
  const { uri } = await put({ capacity: 1, waitlist: true })
  await answer(GRACE, uri)
  const heidi = await answer(HEIDI, uri)
  await put({ capacity: 2, waitlist: true }, OWNER, uri)
  await promoteAll({ ...(world.node.deps as never as Parameters<typeof promoteAll>[0]) })
  await world.node.drain()
  expect((await shown(HEIDI, heidi)).status).toBe('going')
  const fewer = await refusal(put({ capacity: 1, waitlist: true }, OWNER, uri))
  expect(fewer.error).toBe('GuardFailed')
})

test('nobody is let in once an event has begun, and who came is counted', async () => {
  const { uri } = await put({ capacity: 1, waitlist: true })
  const grace = await answer(GRACE, uri)
  const heidi = await answer(HEIDI, uri)
  const before = world.now
  world.now = new Date('2026-12-05T00:00:00Z')
  expect((await refusal(answer('did:plc:late', uri))).error).toBe('EventOver')
  const leave = call(GRACE, 'leaveEvent', { rsvp: grace.rsvp.uri })
  expect((await refusal(leave)).error).toBe('EventOver')
  await put({ capacity: 2, waitlist: true }, OWNER, uri)
  const deps = world.node.deps as never as Parameters<typeof promoteAll>[0]
  await promoteAll(deps)
  await promoteWaiting(deps, { tenant: SHOP, rkey: uri.split('/').at(-1)! })
  await world.node.drain()
  expect((await shown(HEIDI, heidi)).status).toBe('waitlisted')
  const check = (did: string, status: string) =>
    call<Rsvp>(did, 'checkInAttendee', { rsvp: grace.rsvp.uri, status })
  expect((await refusal(check(BOB, 'no_show'))).error).toBe('TooEarly')
  expect((await refusal(check(ANN, 'checked_in'))).error).toBe('Forbidden')
  expect((await refusal(check(GRACE, 'checked_in'))).error).toBe('NotFound')
  expect((await check(BOB, 'checked_in')).status).toBe('checked_in')
  await call(BOB, 'setEventStatus', { tenant: SHOP, event: uri, status: 'completed' })
  const stats = await get<Record<string, number>>(BOB, 'getEventStats', { event: uri })
  expect(stats).toMatchObject({ actualAttendees: 1, noShows: 0, waitlistSize: 1 })
  world.now = before
})

test('what is not public is for the members, and others never hear of it', async () => {
  const { uri, isPublic } = await put({ isPublic: false })
  expect(isPublic).toBe(false)
  expect((await get<Event>(ANN, 'getEvent', { uri })).uri).toBe(uri)
  for (const did of [undefined, GRACE, RIVAL]) {
    expect((await refusal(get(did, 'getEvent', { uri }))).error).toBe('NotFound')
    expect((await refusal(answer(did, uri))).error).toBe('NotFound')
  }
  const ann = await answer(ANN, uri)
  await call(ANN, 'leaveEvent', { rsvp: ann.rsvp.uri })
  const open = await put({}, OWNER, uri)
  expect(open.isPublic).toBe(true)
  expect((await get<Event>(undefined, 'getEvent', { uri: open.uri })).isPublic).toBe(true)
})

test('guests answer with a name and an address, and a cancelled event takes no answers', async () => {
  const { uri } = await put({ capacity: 5 })
  expect((await refusal(answer(undefined, uri))).error).toBe('ContactRequired')
  const contact = { name: 'Judy', email: 'judy@example.com' }
  const judy = await answer(undefined, uri, { contact })
  expect((await refusal(shown(GRACE, judy))).error).toBe('NotFound')
  expect((await refusal(answer(GRACE, uri, { seats: 2 }))).error).toBe('LimitExceeded')
  const cancel = (did: string) =>
    call<Event>(did, 'setEventStatus', {
      tenant: SHOP,
      event: uri,
      status: 'cancelled',
      reason: 'Storm',
    })
  expect((await refusal(cancel(ANN))).error).toBe('Forbidden')
  expect((await refusal(cancel(RIVAL))).error).toBe('NotFound')
  expect(await cancel(BOB)).toMatchObject({ status: 'cancelled', sequence: 1, nextStates: [] })
  expect((await refusal(answer(GRACE, uri))).error).toBe('EventOver')
  const undo = call(BOB, 'setEventStatus', { tenant: SHOP, event: uri, status: 'confirmed' })
  expect((await refusal(undo)).error).toBe('InvalidTransition')
})

test('a public event is known to programs of community.lexicon, one that is not is not', async () => {
  const written: Record<string, unknown>[] = []
  const writer = {
    putRecord: async (record: object) => void written.push({ ...record }),
    deleteRecord: async ({ rkey }: { rkey: string }) => void written.push({ gone: rkey }),
  } as never
  const mirror = ({ uri }: Event) =>
    mirrorEvent({ sql: world.node.pool, writer }, { tenant: SHOP, rkey: uri.split('/').at(-1)! })
  const open = await put({ location: 'Main St 1' })
  await mirror(open)
  expect(written[0]).toMatchObject({
    did: SHOP,
    collection: 'community.lexicon.calendar.event',
    rkey: open.uri.split('/').at(-1),
    record: {
      name: 'Sound evening',
      startsAt: '2026-12-05T00:00:00.000Z',
      endsAt: '2026-12-05T02:00:00.000Z',
      status: 'community.lexicon.calendar.event#scheduled',
    },
  })
  const closed = await put({ isPublic: false }, OWNER, open.uri)
  await mirror(closed)
  expect(written[1]).toEqual({ gone: closed.uri.split('/').at(-1) })
})
