import { InvalidRequestError } from '@atproto/xrpc-server'
import type { co } from '../../../lexicons/index.ts'
import * as change from '../../booking/appointment-change.ts'
import { type Recurrence, expand, moved, splitAt } from '../../booking/recurrence.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { type Standing, appointmentWrites } from './appointment-records.ts'
import { goes } from './change-appointment.ts'
import { freeUp } from './move-appointment.ts'
import { giveBack, paidFor } from './pay-appointment.ts'
import { refused } from './refused.ts'
import { waitlistJob } from './waitlist-offers.ts'

type Input = co.kendev.booking.editSeries.$InputBody
/** A series as its record has it. */
export type SeriesRecord = Omit<co.kendev.booking.series.Main, '$type'>

/** What is to be done to a series, and to which of its appointments. */
export type Editing = {
  readonly input: Input
  readonly how: change.Changing
  readonly rkey: string
  readonly place: string
  readonly record: SeriesRecord
  /** Those it is about that are to come, in order. */
  readonly those: readonly Standing[]
  /** Where the series is split: from which of its instances on it is another one. */
  readonly from: string
}

/** What an edit does. */
export type Edited = {
  readonly writes: readonly TenantWrite[]
  readonly jobs: readonly Job[]
  /** The series that has the appointments from now on. */
  readonly series: string
}

/** What a series says about when. */
export function recurrenceOf(record: SeriesRecord): Recurrence {
  const { localStart, timezone, rrule, exDates, rDates } = record
  return { localStart, timezone, rrule, exDates, rDates }
}

/** When, as records have it. */
export function pick({ localStart, rrule, exDates, rDates }: Recurrence) {
  return { localStart, rrule, exDates: [...(exDates ?? [])], rDates: [...(rDates ?? [])] }
}

/** The number and time of a changed series. */
export function versionOf(record: SeriesRecord, d: Deciding) {
  return { sequence: (record.sequence ?? 0) + 1, updatedAt: d.now.toISOString() as never }
}

/** When the part of a series that is moved is from now on. Throws `BadRule` where only a person can
 *  say. */
export function movedPart(e: Editing): { before: Recurrence | undefined; after: Recurrence } {
  const whole = recurrenceOf(e.record)
  const halves = splitAt(whole, e.from)
  const after = moved(halves?.[1] ?? whole, e.input.localStart ?? e.from)
  if (after && expand(after).instances.length > 0) return { before: halves?.[0], after }
  throw new InvalidRequestError(
    'This rule names days of the month: end the series there and book another.',
    'BadRule',
  )
}

/** Cancels some of a series, each as was agreed for it. */
export async function cancelled(
  d: Deciding,
  { how }: Pick<Editing, 'how'>,
  those: readonly Standing[],
): Promise<{ writes: TenantWrite[]; jobs: Job[] }> {
  const writes: TenantWrite[] = []
  const jobs: Job[] = []
  for (const standing of those) {
    if (!goes(standing, 'cancelled')) continue
    const paid = await paidFor(d, standing, standing.record)
    const record = change.cancel(standing.record, how, paid)
    if (typeof record === 'string') throw refused(record, standing.record)
    await freeUp(d, standing)
    const back = await giveBack(d, standing, record)
    const { terms } = standing
    writes.push(...back.writes)
    jobs.push(...back.jobs)
    writes.push(...(await appointmentWrites(d, standing, { record, terms })))
    jobs.push(waitlistJob(standing.tenant, record, d.nextTid()))
  }
  return { writes, jobs }
}
