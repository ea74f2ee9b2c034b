import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ANN,
  BOB,
  BOOKING,
  type BookingWorld,
  ENTERPRISE,
  GRACE,
  HEIDI,
  OTHER,
  OWNER,
  RIVAL,
  SHOP,
  bookingWorld,
  refusal,
} from './booking-world.ts'
import { allMethods } from './leaks/methods.ts'

const STRANGER = 'did:plc:stranger'
const CALLERS = { owner: OWNER, manager: BOB, member: ANN, rival: RIVAL, stranger: STRANGER }
type Caller = keyof typeof CALLERS | 'anonymous'
const ALL: readonly Caller[] = ['owner', 'manager', 'member', 'rival', 'stranger', 'anonymous']
const PLANNERS: readonly Caller[] = ['owner', 'manager']

/** Who gets further than being told that there is no such tenant, or that they may not. */
const OPEN_TO: Readonly<Record<string, readonly Caller[]>> = {
  createCalendarFeed: PLANNERS,
  getSchedule: ['owner', 'manager', 'member'],
  getUtilisation: PLANNERS,
  putBlock: PLANNERS,
  putEvent: PLANNERS,
  putVenue: PLANNERS,
  putVenueNotes: PLANNERS,
  putVenueStaff: PLANNERS,
  removeBlock: PLANNERS,
  removeVenueStaff: PLANNERS,
  setEventStatus: PLANNERS,
}

let world: BookingWorld
let known: Awaited<ReturnType<typeof furnish>>
beforeAll(async () => {
  world = await bookingWorld()
  known = await furnish()
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const MADE = { createdAt: '2026-11-23T10:00:00Z' }

/** One of everything of the shop. */
async function furnish() {
  const { uri: venue } = await world.venue()
  await world.staff(venue, HEIDI)
  const owner = world.as(OWNER)
  const body = (name: string) => ({ tenant: SHOP, ...contents(venue)[name] })
  const { block } = await owner.call<{ block: { uri: string } }>(
    `${BOOKING}.putBlock`,
    body('putBlock'),
  )
  const { uri: event } = await owner.call<{ uri: string }>(
    `${ENTERPRISE}.putEvent`,
    body('putEvent'),
  )
  await owner.call(`${ENTERPRISE}.putVenueNotes`, body('putVenueNotes'))
  const grace = world.as(GRACE)
  const service = { venue, serviceId: 'install' }
  type Booked = { appointment: { uri: string }; token: string }
  const { appointment } = await grace.call<Booked>(`${BOOKING}.bookAppointment`, {
    ...service,
    startTime: '2026-11-30T15:00:00Z',
  })
  const { series } = await grace.call<{ series: { uri: string } }>(`${BOOKING}.bookSeries`, {
    ...service,
    localStart: '2026-12-01T09:00',
    rrule: 'FREQ=DAILY;COUNT=2',
  })
  const { entry } = await grace.call<{ entry: { uri: string } }>(`${BOOKING}.joinWaitlist`, {
    ...service,
    from: '2026-11-30T15:00:00Z',
    to: '2026-11-30T16:00:00Z',
  })
  const { rsvp } = await grace.call<{ rsvp: { uri: string } }>(`${ENTERPRISE}.answerEvent`, {
    event,
    status: 'going',
  })
  const key = appointment.uri.split('/').at(-1)!
  return {
    venue,
    block: block.uri,
    event,
    appointment: appointment.uri,
    series: series.uri,
    entry: entry.uri,
    rsvp: rsvp.uri,
    notes: `at://${SHOP}/${BOOKING}.appointmentNotes/${key}`,
    terms: `at://${SHOP}/${BOOKING}.appointmentTerms/${key}`,
    venueNotes: `at://${SHOP}/${ENTERPRISE}.venueNotes/${venue.split('/').at(-1)!}`,
    staff: `at://${SHOP}/${ENTERPRISE}.venueStaff/${venue.split('/').at(-1)!}:${HEIDI}`,
  }
}

function contents(venue: string): Record<string, object> {
  const span = { from: '2026-11-30T00:00:00Z', to: '2026-12-01T00:00:00Z' }
  return {
    createCalendarFeed: {},
    getSchedule: { venue, ...span },
    getUtilisation: { venue, ...span },
    putBlock: {
      block: {
        $type: `${BOOKING}.block`,
        venue,
        localStart: '2027-01-01T09:00',
        localEnd: '2027-01-01T10:00',
        timezone: 'America/New_York',
        ...MADE,
      },
    },
    putEvent: {
      event: {
        $type: `${ENTERPRISE}.event`,
        title: 'Evening',
        eventType: 'meetup',
        eventDate: '2026-12-04',
        timezone: 'UTC',
        isPublic: true,
        ...MADE,
      },
    },
    putVenue: {
      venue: {
        $type: `${ENTERPRISE}.venue`,
        name: 'Shop',
        location: { timezone: 'UTC' },
        ...MADE,
      },
    },
    putVenueNotes: {
      notes: { $type: `${ENTERPRISE}.venueNotes`, venue, updatedAt: MADE.createdAt },
    },
    putVenueStaff: {
      staff: { $type: `${ENTERPRISE}.venueStaff`, venue, user: STRANGER, ...MADE },
    },
    removeBlock: { uri: 'at://did:plc:shop/co.kendev.booking.block/none' },
    removeVenueStaff: { venue, user: 'did:plc:nobody' },
    setEventStatus: {
      event: 'at://did:plc:shop/co.kendev.enterprise.event/none',
      status: 'confirmed',
    },
  }
}

const answered = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    ({ error }: { error: string }) => error,
  )
const as = (caller: Caller) => world.as(caller === 'anonymous' ? undefined : CALLERS[caller])

test('every method about a tenant is for those it is for, and to others the tenant is not there', async () => {
  const about = allMethods().filter(
    ({ nsid, kind, fields }) =>
      (nsid.startsWith(`${BOOKING}.`) || nsid.startsWith(`${ENTERPRISE}.`)) &&
      kind !== 'subscription' &&
      fields.required?.includes('tenant'),
  )
  const names = about.map(({ nsid }) => nsid.split('.').at(-1)!)
  expect(names.toSorted()).toEqual(Object.keys(OPEN_TO).toSorted())
  const wrong: string[] = []
  for (const { nsid, kind } of about)
    for (const caller of ALL) {
      const name = nsid.split('.').at(-1)!
      const body = { tenant: SHOP, ...contents(known.venue)[name] }
      const person = as(caller)
      const answer = await answered(
        kind === 'query' ? person.get(nsid, body as never) : person.call(nsid, body),
      )
      const shut = ['NotFound', 'Forbidden', 'AuthMissing', 'AuthenticationRequired']
      const gone = ['removeBlock', 'removeVenueStaff', 'setEventStatus'].includes(name)
      const expected = OPEN_TO[name]!.includes(caller)
        ? [gone ? 'NotFound' : 'done']
        : (caller === 'member' && name !== 'removeBlock') || name === 'createCalendarFeed'
          ? ['Forbidden', ...shut.slice(2)]
          : shut.filter((one) => one !== 'Forbidden')
      if (!expected.includes(answer)) wrong.push(`${caller} ${name}: ${answer}`)
    }
  expect(wrong).toEqual([])
})

test('each record is read by its audience and by nobody else', async () => {
  const staff: readonly Caller[] = ['owner', 'manager']
  const readers: readonly (readonly [string, string, readonly Caller[]])[] = [
    [`${ENTERPRISE}.getVenue`, known.venue, ALL],
    [`${ENTERPRISE}.getEvent`, known.event, ALL],
    [`${ENTERPRISE}.getVenueStaff`, known.staff, staff],
    [`${ENTERPRISE}.getVenueNotes`, known.venueNotes, staff],
    [`${ENTERPRISE}.getRsvp`, known.rsvp, staff],
    [`${BOOKING}.getBlock`, known.block, staff],
    [`${BOOKING}.getAppointment`, known.appointment, staff],
    [`${BOOKING}.getAppointmentNotes`, known.notes, staff],
    [`${BOOKING}.getAppointmentTerms`, known.terms, ['owner']],
    [`${BOOKING}.getSeries`, known.series, staff],
    [`${BOOKING}.getWaitlistEntry`, known.entry, staff],
  ]
  const wrong: string[] = []
  for (const [method, uri, who] of readers)
    for (const caller of ALL) {
      const answer = await answered(as(caller).get(method, { uri }))
      if (answer !== (who.includes(caller) ? 'done' : 'NotFound'))
        wrong.push(`${caller} ${method}: ${answer}`)
    }
  expect(wrong).toEqual([])
})

test('what is a customer’s is read by that customer, and not by another', async () => {
  const own = { getAppointment: known.appointment, getSeries: known.series }
  for (const [method, uri] of Object.entries(own)) {
    expect(await answered(world.as(GRACE).get(`${BOOKING}.${method}`, { uri }))).toBe('done')
    expect(await answered(world.as(STRANGER).get(`${BOOKING}.${method}`, { uri }))).toBe('NotFound')
  }
})

test('another tenant does nothing with what is not its own, whichever tenant it names', async () => {
  const rival = world.as(RIVAL)
  const { venue, event, block, appointment, series, entry, rsvp } = known
  const foreign = { ...contents(venue), setEventStatus: { event, status: 'cancelled' } }
  const bodies: Record<string, object> = { ...foreign, removeBlock: { uri: block } }
  const methods = ['putBlock', 'putVenueNotes', 'putVenueStaff', 'removeVenueStaff'] as const
  for (const name of [...methods, 'getSchedule', 'getUtilisation'] as const) {
    const area = /^(putBlock|get)/.test(name) ? BOOKING : ENTERPRISE
    const body = { tenant: OTHER, ...bodies[name] }
    const call = name.startsWith('get')
      ? rival.get(`${area}.${name}`, body as never)
      : rival.call(`${area}.${name}`, body)
    expect([name, (await refusal(call)).error]).toEqual([name, 'NotFound'])
  }
  const others: readonly (readonly [string, object])[] = [
    [`${ENTERPRISE}.setEventStatus`, { tenant: OTHER, ...bodies['setEventStatus'] }],
    [`${ENTERPRISE}.checkInAttendee`, { rsvp, status: 'checked_in' }],
    [`${ENTERPRISE}.leaveEvent`, { rsvp }],
    [`${BOOKING}.removeBlock`, { tenant: OTHER, uri: block }],
    [`${BOOKING}.confirmAppointment`, { appointment }],
    [`${BOOKING}.cancelAppointment`, { appointment }],
    [`${BOOKING}.putAppointmentNotes`, { appointment, notes: 'x' }],
    [`${BOOKING}.rateAppointment`, { appointment, rating: 1 }],
    [
      `${BOOKING}.editSeries`,
      { series, instance: '2026-12-01T09:00', scope: 'all', action: 'cancel' },
    ],
    [`${BOOKING}.leaveWaitlist`, { entry }],
  ]
  for (const [method, body] of others)
    expect([method, (await refusal(rival.call(method, body))).error]).toEqual([method, 'NotFound'])
})
