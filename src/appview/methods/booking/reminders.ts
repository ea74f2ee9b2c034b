import { TENANT_SPACE, parseAudience } from '../../../permissioned/audience.ts'
import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { wire } from '../../booking/local-time.ts'
import { remindersAt } from '../../booking/reminders.ts'
import type { Transact } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { customerJob } from './tell-customer.ts'

/** The queue of reminders. */
export const REMIND = 'appointment-reminder'

/** Which appointment somebody is to be reminded of, and of which of its starts. */
export type Reminder = { place: string; rkey: string; start: number; due: number }

/** The jobs that remind of an appointment as it is now; those of an earlier start do nothing. */
export function reminderJobs(
  at: { place: string; rkey: string },
  { startTime, bookingSettings }: Appointment,
  now: Date,
): Job[] {
  const start = Date.parse(startTime)
  return remindersAt(start, now.getTime(), bookingSettings?.reminders).map((due) => ({
    queue: REMIND,
    key: `${at.place} ${at.rkey} ${start} ${due}`,
    data: { ...at, start, due } satisfies Reminder,
    afterSeconds: Math.max(0, Math.round((due - now.getTime()) / 1000)),
  }))
}

/** Reminds of an appointment unless it was moved or cancelled, and notes that it did
 *  (`domain.md` D-66). Done twice it reminds once. */
export async function remind(transact: Transact, { place, rkey, start }: Reminder): Promise<void> {
  const tenant = parseAudience(place)?.authority
  if (tenant === undefined || parseAudience(place)?.type !== TENANT_SPACE) return
  const by = { actor: tenant, role: 'system', action: REMIND }
  await transact({ tenant }, async (d) => {
    const found = await d.read({ place, collection: appointments.nsid, rkey })
    const record = found?.record as Appointment | undefined
    const due = record && ['scheduled', 'confirmed'].includes(record.status)
    if (!due || Date.parse(record.startTime) !== start || d.now.getTime() >= start)
      return { answer: {}, writes: [], by }
    const sent = [...(record.remindersSent ?? []), wire(d.now.getTime())].slice(-20)
    const writes = [
      { place, collection: appointments.nsid, rkey, record: { ...record, remindersSent: sent } },
    ]
    return {
      answer: {},
      writes,
      jobs: [customerJob({ tenant, place, rkey }, 'reminder', `${start} ${sent.length}`)],
      by,
    }
  })
}
