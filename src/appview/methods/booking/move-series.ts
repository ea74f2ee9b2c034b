import * as change from '../../booking/appointment-change.ts'
import { instantOf, minutesLater } from '../../booking/local-time.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import { series as allSeries } from '../../collections/booking/series.ts'
import { recordUri } from '../../reference.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { type Standing, appointmentWrites } from './appointment-records.ts'
import { conflict } from './book-series.ts'
import { type Choice, chooseMany } from './choose-many.ts'
import { claim, releaseExpired } from './claim.ts'
import { freeUp } from './move-appointment.ts'
import { reminderJobs } from './reminders.ts'
import {
  type Edited,
  type Editing,
  cancelled,
  movedPart,
  pick,
  versionOf,
} from './series-changes.ts'
import { type Venue, requireBookable, serviceOf, timesOf } from './venue-plan.ts'

type Placed = { standing: Standing; local: string; start: number }
type Target = { series: string; instanceOf: (local: string) => string }

/** Moves them by as much as the one named moves on the clock of the venue: all, or with
 *  `skipConflicts` those that can be, and the others end. Throws `SeriesConflict`. */
export async function moveSeries(d: Deciding, e: Editing): Promise<Edited> {
  const venue = await requireBookable(d.tx, e.record.venue)
  await releaseExpired(d)
  const placed = placedAnew(e)
  for (const { standing } of placed) await freeUp(d, standing)
  const { writes: seriesWrites, target } = seriesAfter(d, e)
  const { done, lost } = await takeAll(d, e, { venue, placed, target })
  if (lost.length > 0 && !e.input.skipConflicts)
    throw conflict(
      venue,
      lost.map(({ choice }) => choice),
      placed.length - lost.length,
    )
  const ended = await cancelled(
    d,
    e,
    lost.map(({ standing }) => standing),
  )
  return {
    writes: [...seriesWrites, ...done.writes, ...ended.writes],
    jobs: [...done.jobs, ...ended.jobs],
    series: target.series,
  }
}

/** Where each of them is to be: as far on the clock from where it was to be as the one named. */
function placedAnew({ input, from, record, those }: Editing): Placed[] {
  const to = input.localStart ?? from
  const minutes = (Date.parse(`${to}Z`) - Date.parse(`${from}Z`)) / 60_000
  return those.map((standing) => {
    const local = minutesLater(standing.record.instance!, minutes)
    return { standing, local, start: instantOf(local, record.timezone) }
  })
}

/** The series afterwards: one moved alone stays in it under its name; from one on they are another
 *  series, or the same when nothing is before them. */
function seriesAfter(d: Deciding, e: Editing): { writes: TenantWrite[]; target: Target } {
  const { record, rkey, place, input } = e
  const uri = recordUri(d.tenant, allSeries.nsid, rkey)
  const write = (key: string, content: object): TenantWrite => ({
    place,
    collection: allSeries.nsid,
    rkey: key,
    record: { ...content },
  })
  const version = versionOf(record, d)
  if (input.scope === 'this') {
    const target = { series: uri, instanceOf: () => e.from }
    return { writes: [write(rkey, { ...record, ...version })], target }
  }
  const { before, after } = movedPart(e)
  const instanceOf = (local: string) => local
  if (!before)
    return {
      writes: [write(rkey, { ...record, ...pick(after), ...version })],
      target: { series: uri, instanceOf },
    }
  const key = d.nextTid()
  const createdAt = d.now.toISOString()
  const { skipped: _, updatedAt: __, ...kept } = record
  const made = { ...kept, ...pick(after), relatedTo: uri, sequence: 0, createdAt }
  return {
    writes: [write(rkey, { ...record, ...pick(before), ...version }), write(key, made)],
    target: { series: recordUri(d.tenant, allSeries.nsid, key), instanceOf },
  }
}

type Lost = { standing: Standing; choice: Choice }

async function takeAll(
  d: Deciding,
  e: Editing,
  of: { venue: Venue; placed: readonly Placed[]; target: Target },
): Promise<{ done: { writes: TenantWrite[]; jobs: Job[] }; lost: Lost[] }> {
  const { venue, placed, target } = of
  const by = e.how.by === 'customer' ? 'customer' : 'staff'
  const service = timesOf(serviceOf(venue, e.record.serviceId), by)
  const starts = placed.map(({ start }) => start)
  const { plan, choices } = await chooseMany(d, venue, { service, starts })
  const done = { writes: [] as TenantWrite[], jobs: [] as Job[] }
  const lost: Lost[] = []
  for (const [n, { standing, local }] of placed.entries()) {
    const choice = choices[n]!
    const one = { plan, service, booking: standing.rkey, seats: 1 }
    if (!('slot' in choice) || !(await claim(d, { ...one, slot: choice.slot }))) {
      lost.push({ standing, choice })
      continue
    }
    const { slot } = choice
    const shown = slot.staff !== undefined && plan.shown.has(slot.staff)
    const organizer = shown ? slot.staff! : d.tenant
    const bayAssignment =
      slot.bayId === undefined
        ? undefined
        : {
            ...standing.record.bayAssignment,
            bayRequired: service.requiresBay,
            assignedBay: slot.bayId,
          }
    const moved = change.reschedule(standing.record, e.how, {
      start: slot.start,
      organizer,
      ...(bayAssignment && { bayAssignment }),
    })
    const { series, instanceOf } = target
    const record = { ...moved, series, instance: instanceOf(local) }
    const staff = slot.staff === undefined ? {} : { staff: [slot.staff] }
    const notes = { ...standing.notes, ...staff }
    const { terms } = standing
    done.writes.push(...(await appointmentWrites(d, standing, { record, notes, terms })))
    done.jobs.push(...reminderJobs(standing, record, d.now))
  }
  return { done, lost }
}
