import type { Clock } from '../clock.ts'
import type { Job } from '../jobs/jobs.ts'
import type { SendMail } from '../mail/mail.ts'
import { type Data, notificationKinds } from './notification-kinds.ts'
import type { Sql } from './sql.ts'

/** A thing to tell somebody. */
export type Notice = {
  readonly recipient: string
  readonly kind: string
  /** What happened, unique among what this person is told of: the same event told twice is one. */
  readonly key: string
  /** The record or account it is about. */
  readonly subject?: string
  readonly data: Data
}

/** The queue of notices, and of letters. */
export const NOTIFY = 'notify'

/** A job that tells somebody something. */
export function noticeJob(notice: Notice): Job {
  const { recipient, kind, key } = notice
  if (!Object.hasOwn(notificationKinds, kind)) throw new Error(`${kind} is no kind of notification`)
  return { queue: NOTIFY, key: `${kind} ${recipient} ${key}`, data: { ...notice } }
}

/** What telling people needs. */
export type Telling = {
  readonly sql: Sql
  readonly clock: Clock
  readonly nextTid: () => string
  readonly sendMail: SendMail
  /** The address of somebody who has an account here. */
  readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
}

/** Puts a notice into the person's list, and sends a letter where its kind says so. Told again, it
 *  changes nothing: the letter has the same Message-ID. */
export async function tell(t: Telling, notice: Notice): Promise<void> {
  const { recipient, kind, key, subject, data } = notice
  const { mail, optional, title, text } = notificationKinds[kind]!
  if (optional && (await hasOptedOut(t.sql, recipient, kind))) return
  await t.sql.query(
    `insert into node.notification (recipient, id, kind, key, subject, data, "createdAt")
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [recipient, t.nextTid(), kind, `${kind} ${key}`, subject, JSON.stringify(data), t.clock.now()],
  )
  const email = mail ? await t.emailOf(recipient) : undefined
  if (!email) return
  const letter = { to: email.address, subject: title(data), text: text(data) }
  await t.sendMail({ ...letter, key: `${kind} ${recipient} ${key}` })
}

async function hasOptedOut(sql: Sql, did: string, kind: string): Promise<boolean> {
  const { rows } = await sql.query(
    'select 1 from node."notificationOptOut" where did = $1 and kind = $2',
    [did, kind],
  )
  return rows.length > 0
}
