import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  BOB,
  BOOKING,
  type BookingWorld,
  GRACE,
  HEIDI,
  RIVAL,
  bookingWorld,
  refusal,
} from './booking-world.ts'

type Series = {
  series: { uri: string; rrule: string; relatedTo?: string; exDates?: string[]; sequence: number }
  instances: { localStart: string; startTime: string; appointment?: string; skipped?: boolean }[]
  token: string
}

let world: BookingWorld
beforeAll(async () => {
  world = await bookingWorld()
  world.now = new Date('2026-10-20T12:00:00Z')
})
afterAll(async () => world?.[Symbol.asyncDispose]())

let people = 0
async function venue() {
  const { uri } = await world.venue()
  await world.staff(uri, `did:plc:serial${(people += 1)}`)
  return uri
}
const weekly = (did: string, at: string, more: object = {}) =>
  world.as(did).call<Series>(`${BOOKING}.bookSeries`, {
    venue: at,
    serviceId: 'install',
    localStart: '2026-10-25T09:00',
    rrule: 'FREQ=WEEKLY;COUNT=4',
    ...more,
  })
const edit = (did: string | undefined, series: string, more: object) =>
  world.as(did).call<Series>(`${BOOKING}.editSeries`, { series, ...more })
const starts = ({ instances }: Series) => instances.map(({ startTime }) => startTime.slice(5, 16))
const single = (did: string, at: string, startTime: string) =>
  world
    .as(did)
    .call<{ appointment: { uri: string; status: string } }>(`${BOOKING}.bookAppointment`, {
      venue: at,
      serviceId: 'install',
      startTime,
    })

test('a series keeps to the clock of the venue when summer time ends', async () => {
  const made = await weekly(GRACE, await venue())
  expect(starts(made)).toEqual(['10-25T13:00', '11-01T14:00', '11-08T14:00', '11-15T14:00'])
  expect(made.instances.every(({ appointment }) => appointment !== undefined)).toBe(true)
})

test('all of a series is booked or nothing, unless what is taken may be skipped', async () => {
  const at = await venue()
  await single(HEIDI, at, '2026-11-08T14:30:00Z')
  const refused = await refusal(weekly(GRACE, at))
  expect(refused.error).toBe('SeriesConflict')
  expect(refused.message).toContain('2026-11-08T09:00 (taken)')
  await single(HEIDI, at, '2026-10-25T13:00:00Z')
  const more = { skipConflicts: true, localStart: '2026-11-01T09:00' }
  const made = await weekly(GRACE, at, more)
  expect(made.instances.map(({ localStart, skipped }) => [localStart, skipped ?? false])).toEqual([
    ['2026-11-01T09:00', false],
    ['2026-11-08T09:00', true],
    ['2026-11-15T09:00', false],
    ['2026-11-22T09:00', false],
  ])
})

test('rules that mean nothing are refused, the short form means one', async () => {
  const at = await venue()
  const bad = (more: object) => refusal(weekly(GRACE, at, more)).then(({ error }) => error)
  expect(await bad({ rrule: 'FREQ=SECONDLY' })).toBe('BadRule')
  expect(await bad({ rrule: undefined })).toBe('BadRule')
  const recurrence = {
    enabled: true,
    type: 'daily',
    interval: 2,
    endDate: '2026-10-30T12:00:00Z',
  }
  expect(await bad({ recurrence })).toBe('BadRule')
  const made = await weekly(GRACE, at, { rrule: undefined, recurrence })
  expect(starts(made)).toEqual(['10-25T13:00', '10-27T13:00', '10-29T13:00'])
})

test('this and following become a series of their own that names the one it is from', async () => {
  const at = await venue()
  const made = await weekly(GRACE, at)
  const after = await edit(GRACE, made.series.uri, {
    instance: '2026-11-08T09:00',
    scope: 'this_and_following',
    action: 'move',
    localStart: '2026-11-09T14:00',
  })
  expect(after.series.relatedTo).toBe(
    made.series.uri.replace(/at:.*\/did:plc:shop\//, 'at://did:plc:shop/'),
  )
  expect(after.series.rrule).toBe('FREQ=WEEKLY;COUNT=2')
  expect(starts(after)).toEqual(['11-09T19:00', '11-16T19:00'])
  expect(after.instances.map(({ appointment }) => appointment)).toEqual(
    made.instances.slice(2).map(({ appointment }) => appointment),
  )
  const { items } = await world
    .as(GRACE)
    .get<{ items: Series['series'][] }>(`${BOOKING}.listSeries`, { venue: at })
  const before = items.find(({ uri }) => uri === made.series.uri)!
  expect(before.rrule).toBe('FREQ=WEEKLY;UNTIL=20261108T135959Z')
  await single(HEIDI, at, '2026-11-08T14:00:00Z')
  expect((await refusal(single(HEIDI, at, '2026-11-09T19:00:00Z'))).error).toBe('SlotTaken')
})

test('one of a series is moved or left out, and the others stay', async () => {
  const at = await venue()
  const made = await weekly(GRACE, at)
  const one = { instance: '2026-11-01T09:00', scope: 'this' }
  const moved = await edit(GRACE, made.series.uri, {
    ...one,
    action: 'move',
    localStart: '2026-11-02T10:00',
  })
  expect(starts(moved)).toEqual(['10-25T13:00', '11-02T15:00', '11-08T14:00', '11-15T14:00'])
  expect(moved.instances[1]!.localStart).toBe('2026-11-01T09:00')
  const left = await edit(GRACE, made.series.uri, { ...one, action: 'cancel' })
  expect(starts(left)).toEqual(['10-25T13:00', '11-08T14:00', '11-15T14:00'])
  expect(left.series.exDates).toEqual(['2026-11-01T09:00'])
})

test('all that is to come is moved together, or nothing where one has no place', async () => {
  const at = await venue()
  const made = await weekly(GRACE, at)
  await single(HEIDI, at, '2026-11-08T20:00:00Z')
  const all = { instance: '2026-10-25T09:00', scope: 'all', action: 'move' }
  const to = { ...all, localStart: '2026-10-25T15:00' }
  expect((await refusal(edit(GRACE, made.series.uri, to))).error).toBe('SeriesConflict')
  expect((await refusal(single(HEIDI, at, '2026-11-15T14:00:00Z'))).error).toBe('SlotTaken')
  const moved = await edit(BOB, made.series.uri, { ...to, skipConflicts: true })
  expect(starts(moved)).toEqual(['10-25T19:00', '11-01T20:00', '11-15T20:00'])
  expect(moved.series.uri).toBe(made.series.uri)
  const ended = await edit(GRACE, made.series.uri, {
    ...all,
    instance: '2026-10-25T15:00',
    action: 'cancel',
  })
  expect(ended.instances).toEqual([])
})

test('a series is its customer’s, the staff’s, and whoever’s who has its link', async () => {
  const made = await weekly(GRACE, await venue())
  const one = { instance: '2026-11-01T09:00', scope: 'this', action: 'cancel' }
  for (const did of [undefined, HEIDI, RIVAL])
    expect((await refusal(edit(did, made.series.uri, one))).error).toBe('NotFound')
  const { token } = made
  const forged = edit(undefined, made.series.uri, { ...one, token: token.slice(0, -2) })
  expect((await refusal(forged)).error).toBe('InvalidLink')
  expect((await edit(undefined, made.series.uri, { ...one, token })).instances).toHaveLength(3)
})
