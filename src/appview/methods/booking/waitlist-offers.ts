import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'

/** The queue of starts that have become free. */
export const OFFER = 'waitlist-offer'

/** What has become free. */
export type Freed = { tenant: string; venue: string; serviceId: string; start: number }

/** A job that tells who waits that a start of an appointment is free again. */
export function waitlistJob(tenant: string, record: Appointment, key: string): Job {
  const freed: Freed = {
    tenant,
    venue: record.venue ?? '',
    serviceId: record.service?.serviceId ?? '',
    start: Date.parse(record.startTime),
  }
  return { queue: OFFER, key, data: freed }
}
