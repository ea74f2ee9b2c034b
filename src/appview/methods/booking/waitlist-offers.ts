import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { toldTime, wire } from '../../booking/local-time.ts'
import type { Deciding, TenantWrite, Transact } from '../../business/transact.ts'
import { waitlistEntry as entries } from '../../collections/booking/waitlist-entry.ts'
import { noticeJob } from '../../notify.ts'
import { recordUri } from '../../reference.ts'
import type { SendMail } from '../../../mail/mail.ts'
import { freeStarts } from './choose-slot.ts'
import { type Venue, findVenue, serviceOf, timesOf } from './venue-plan.ts'

/** The queue of starts that have become free. */
export const OFFER = 'waitlist-offer'
/** The queue of letters to guests who wait. */
export const TELL_WAITING = 'tell-waiting'
/** How long somebody has to book before whoever waits next is told. */
const OFFER_SECONDS = 2 * 3_600

/** What has become free. */
export type Freed = { tenant: string; venue: string; start: number; round: number }
/** A letter to a guest who waits. */
export type WaitingLetter = { to: string; subject: string; text: string; key: string }

type Entry = Record<string, unknown> & {
  serviceId: string
  from: string
  to: string
  status?: string
  staff?: string
  seats?: number
  attendee?: string
  contact?: { email?: string }
}

/** A job that tells who waits that a start of an appointment is free again. */
export function waitlistJob(tenant: string, record: Appointment, key: string): Job {
  const start = Date.parse(record.startTime)
  const freed: Freed = { tenant, venue: record.venue ?? '', start, round: 0 }
  return { queue: OFFER, key, data: freed }
}

/** Tells whoever waits longest for a start around the one that is free, and the next two hours
 *  later while it still is (`domain.md` SM-04). */
export async function offerStart(transact: Transact, freed: Freed): Promise<void> {
  const { tenant } = freed
  const by = { actor: tenant, role: 'system', action: OFFER }
  await transact({ tenant }, async (d) => {
    const nobody = { answer: {}, writes: [], by }
    const venue = await findVenue(d.tx, freed.venue).catch(() => undefined)
    if (!venue) return nobody
    for (const { rkey, place } of await waiting(d, freed)) {
      const found = await d.read({ place, collection: entries.nsid, rkey })
      const entry = found?.record as Entry | undefined
      if (!entry || (entry.status ?? 'waiting') !== 'waiting') continue
      const start = await startFor(d, venue, entry)
      if (start === undefined) continue
      const offered = offer(d, venue, { entry, place, rkey, start })
      const again = { ...freed, round: freed.round + 1 }
      const key = `${rkey} ${start}`
      const later = { queue: OFFER, key, data: again, afterSeconds: OFFER_SECONDS }
      return { answer: {}, ...offered, jobs: [...offered.jobs, later], by }
    }
    return nobody
  })
}

async function waiting(d: Deciding, { venue, start }: Freed) {
  const { rows } = await d.tx.query<{ rkey: string; place: string }>(
    `select rkey, place from appview."${entries.table}"
     where did = $1 and venue = $2 and status = 'waiting' and "from" <= $3 and "to" > $3
       and "to" > $4
     order by "createdAt" limit 50`,
    [d.tenant, venue, new Date(start), d.now],
  )
  return rows
}

async function startFor(d: Deciding, venue: Venue, entry: Entry): Promise<number | undefined> {
  const record = venue.record.services?.find((one) => one.serviceId === entry.serviceId)
  if (!record || record.isActive === false) return undefined
  const service = timesOf(serviceOf(venue, entry.serviceId), 'customer')
  const { staff, seats } = entry
  const asked = { service, start: Date.parse(entry.from), staff, seats }
  const free = await freeStarts(d.tx, venue, { asked, now: d.now })
  return free.find((at) => at < Date.parse(entry.to))
}

function offer(
  d: Deciding,
  venue: Venue,
  of: { entry: Entry; place: string; rkey: string; start: number },
): { writes: TenantWrite[]; jobs: Job[] } {
  const { entry, place, rkey, start } = of
  const now = d.now.toISOString()
  const record = {
    ...entry,
    status: 'offered',
    offeredAt: now,
    offeredStart: wire(start),
    updatedAt: now,
  }
  const data = {
    what: serviceOf(venue, entry.serviceId).serviceName,
    venue: venue.record.name,
    when: toldTime(start, venue.record.location.timezone),
  }
  const subject = recordUri(d.tenant, entries.nsid, rkey)
  const key = `${subject} ${start}`
  const { attendee, contact } = entry
  const jobs = attendee
    ? [noticeJob({ recipient: attendee, kind: 'startFree', key, subject, data })]
    : contact?.email === undefined
      ? []
      : [letterJob(contact.email, data, key)]
  return { writes: [{ place, collection: entries.nsid, rkey, record }], jobs }
}

function letterJob(to: string, data: { what: string; venue: string; when: string }, key: string) {
  const letter: WaitingLetter = {
    to,
    subject: `${data.what} at ${data.venue}: ${data.when} is free`,
    text: `${data.what} at ${data.venue} can be booked at ${data.when}. Book it soon.`,
    key,
  }
  return { queue: TELL_WAITING, key, data: letter }
}

/** Sends such a letter. */
export async function tellWaiting(sendMail: SendMail, letter: WaitingLetter): Promise<void> {
  await sendMail(letter)
}

/** What somebody waited for and has booked: they wait no more. */
export async function bookedEntries(
  d: Deciding,
  at: { place: string; venue: string; serviceId: string; start: number },
): Promise<TenantWrite[]> {
  const { place, venue, serviceId, start } = at
  const { rows } = await d.tx.query<{ rkey: string }>(
    `select rkey from appview."${entries.table}"
     where place = $1 and venue = $2 and "serviceId" = $3 and status in ('waiting', 'offered')
       and "from" <= $4 and "to" > $4`,
    [place, venue, serviceId, new Date(start)],
  )
  const writes: TenantWrite[] = []
  for (const { rkey } of rows) {
    const found = await d.read({ place, collection: entries.nsid, rkey })
    if (!found) continue
    const record = { ...found.record, status: 'booked', updatedAt: d.now.toISOString() }
    writes.push({ place, collection: entries.nsid, rkey, record })
  }
  return writes
}
