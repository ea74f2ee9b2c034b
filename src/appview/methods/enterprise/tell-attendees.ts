import type { Job, Outbox } from '../../../jobs/jobs.ts'
import type { SendMail } from '../../../mail/mail.ts'
import { toldTime } from '../../booking/local-time.ts'
import type { Transact } from '../../business/transact.ts'
import { event as events } from '../../collections/enterprise/event.ts'
import { rsvp as rsvps } from '../../collections/enterprise/rsvp.ts'
import { noticeJob } from '../../notify.ts'
import { recordUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'

/** What those who answered an event are told. */
export type EventNews = 'promoted' | 'confirmed' | 'cancelled' | 'moved'

/** The queue of what one who answered is told. */
export const TELL_ATTENDEE = 'tell-attendee'
/** The queue of what all of them are told. */
export const TELL_ATTENDEES = 'tell-attendees'

type At = { tenant: string; place: string; rkey: string }
type One = At & { news: EventNews; key: string }
type All = { tenant: string; event: string; news: EventNews; key: string }

/** A job that tells one who answered; `key` tells this from what was told before. */
export function attendeeJob(at: At, news: EventNews, key: string): Job {
  const { tenant, place, rkey } = at
  const data: One = { tenant, place, rkey, news, key }
  return { queue: TELL_ATTENDEE, key: `${place} ${rkey} ${news} ${key}`, data }
}

/** What is told has come into the views by then, as a rule. */
const VIEWS_AFTER = 2

/** A job that tells all who come, may come, or wait. */
export function attendeesJob(all: All): Job {
  const key = `${all.event} ${all.news} ${all.key}`
  return { queue: TELL_ATTENDEES, key, data: { ...all }, afterSeconds: VIEWS_AFTER }
}

/** What telling them needs. */
export type AttendeeTelling = {
  readonly sql: Sql
  readonly outbox: Outbox
  readonly transact: Transact
  readonly sendMail: SendMail
}

/** Tells each of them: as many jobs as people, so that a stop in between loses none. */
export async function tellAttendees(t: AttendeeTelling, all: All): Promise<void> {
  const { rows } = await t.sql.query<{ place: string; rkey: string }>(
    `select place, rkey from appview."${rsvps.table}" where did = $1 and event = $2
       and status in ('going', 'maybe', 'waitlisted')`,
    [all.tenant, all.event],
  )
  await t.outbox.transact(async (_, queue) => {
    for (const row of rows)
      await queue(attendeeJob({ tenant: all.tenant, ...row }, all.news, all.key))
  })
}

/** Tells one of them: an account by notice, a guest by letter. */
export async function tellAttendee(t: AttendeeTelling, one: One): Promise<void> {
  const { tenant, place, rkey, news, key } = one
  const by = { actor: tenant, role: 'system', action: TELL_ATTENDEE }
  const answer = await t.transact({ tenant }, async (d) => {
    const found = await d.read({ place, collection: rsvps.nsid, rkey })
    return { answer: found?.record, writes: [], by }
  })
  const { rows } = await t.sql.query<{ title: string; startsAt: Date; timezone: string }>(
    `select title, "startsAt", content->>'timezone' as timezone from appview."${events.table}"
     where uri = $1`,
    [answer?.['event'] ?? ''],
  )
  if (!answer || !rows[0]) return
  const { title, startsAt, timezone } = rows[0]
  const when = toldTime(+startsAt, timezone)
  const data = { event: title, news: WORDS[news], when }
  const subject = recordUri(tenant, rsvps.nsid, rkey)
  const told = `${subject} ${news} ${key}`
  const recipient = answer['attendee'] as string | undefined
  const { email } = (answer['contact'] ?? {}) as { email?: string }
  if (recipient !== undefined)
    await t.outbox.transact((_, queue) =>
      queue(noticeJob({ recipient, kind: 'eventNews', key: told, subject, data })),
    )
  else if (email !== undefined)
    await t.sendMail({
      to: email,
      subject: `${title}: ${data.news}`,
      text: `${title}: ${data.news}. It begins at ${when}.`,
      key: told,
    })
}

const WORDS: Readonly<Record<EventNews, string>> = {
  promoted: 'a place became free for you',
  confirmed: 'it takes place',
  cancelled: 'it is cancelled',
  moved: 'it is at another time',
}
