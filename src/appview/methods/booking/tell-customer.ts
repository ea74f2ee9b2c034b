import { co } from '../../../lexicons/index.ts'
import { toldTime } from '../../booking/local-time.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import type { SignedLinks } from '../../business/signed-links.ts'
import type { Transact } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { venue as venues } from '../../collections/enterprise/venue.ts'
import { type Notice, noticeJob } from '../../notify.ts'
import { recordUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import type { Job, Outbox } from '../../../jobs/jobs.ts'
import type { SendMail } from '../../../mail/mail.ts'
import { linkOf } from './appointment-link.ts'

/** What customers are told of an appointment. */
export type News = 'booked' | 'confirmed' | 'rescheduled' | 'cancelled' | 'reminder' | 'feedback'

/** The queue of what customers are told of appointments. */
export const TELL_CUSTOMER = 'tell-customer'

/** Where an appointment stands. */
type At = { readonly tenant: string; readonly place: string; readonly rkey: string }
type Told = At & { news: News; key: string }

/** A job that tells the customer of an appointment; `key` tells this from what was told before. */
export function customerJob({ tenant, place, rkey }: At, news: News, key: string): Job {
  const told = { tenant, place, rkey, news, key }
  return { queue: TELL_CUSTOMER, key: `${tenant} ${rkey} ${news} ${key}`, data: told }
}

/** What telling them needs. */
export type CustomerTelling = {
  readonly sql: Sql
  readonly outbox: Outbox
  readonly sendMail: SendMail
  readonly links: SignedLinks
  readonly transact: Transact
  /** Where this node is reached. */
  readonly origin: string
}

/** Tells whoever an appointment is for: accounts by notice, guests by letter with a signed link. */
export async function tellCustomer(t: CustomerTelling, told: Told): Promise<void> {
  const { tenant, rkey, news, key } = told
  const content = await appointmentAt(t, told)
  if (!content) return
  const uri = recordUri(tenant, appointments.nsid, rkey)
  const venue = await venueName(t.sql, content.venue)
  const data = {
    what: content.title ?? 'Your appointment',
    venue,
    when: toldTime(Date.parse(content.startTime), content.timezone),
    news: WORDS[news],
    reason: content.statusReason ?? '',
  }
  const kind = news === 'reminder' ? 'appointmentReminder' : 'appointmentNews'
  const notices = (content.attendees ?? []).map((recipient): Notice => ({
    recipient,
    kind,
    key: `${uri} ${news} ${key}`,
    subject: uri,
    data,
  }))
  await t.outbox.transact(async (_tx, queue) => {
    for (const notice of notices) await queue(noticeJob(notice))
  })
  const email = content.contact?.email
  if (notices.length > 0 || email === undefined) return
  const link = linkOf(t.links, uri, content)
  await t.sendMail({
    to: email,
    subject: `${data.what} at ${data.venue}: ${data.news}`,
    text: letterOf(data, `${t.origin}/xrpc/`, link),
    key: `${uri} ${news} ${key}`,
  })
}

/** What was written last: the views may not have it yet. */
function appointmentAt(t: CustomerTelling, at: At): Promise<Appointment | undefined> {
  const { tenant, place, rkey } = at
  return t.transact({ tenant }, async (d) => {
    const found = await d.read({ place, collection: appointments.nsid, rkey })
    const by = { actor: tenant, role: 'system', action: TELL_CUSTOMER }
    return { answer: found?.record as Appointment | undefined, writes: [], by }
  })
}

/** What a venue is called. */
async function venueName(sql: Sql, uri: string | undefined): Promise<string> {
  const { rows } = await sql.query<{ name: string }>(
    `select name from appview."${venues.table}" where uri = $1`,
    [uri ?? ''],
  )
  return rows[0]?.name ?? 'the business'
}

const WORDS: Readonly<Record<News, string>> = {
  booked: 'booked',
  confirmed: 'confirmed',
  rescheduled: 'moved',
  cancelled: 'cancelled',
  reminder: 'is soon',
  feedback: 'how was it?',
}

function letterOf(data: Readonly<Record<string, string>>, methods: string, token: string): string {
  const file = `${methods}${co.kendev.booking.getCalendarFile.$lxm}?token=${token}`
  return [
    `${data['what']} at ${data['venue']}: ${data['news']}.`,
    `It begins at ${data['when']}.`,
    ...(data['reason'] ? [data['reason']] : []),
    '',
    'For your calendar:',
    file,
    '',
    'What you need to move or cancel it:',
    token,
  ].join('\n')
}
