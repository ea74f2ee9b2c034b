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
  const wanted = optional ? await wishesOf(t.sql, recipient, kind) : EVERYTHING
  const told = [recipient, t.nextTid(), kind, `${kind} ${key}`, subject, JSON.stringify(data)]
  if (wanted.inApp) await t.sql.query(KEEP, [...told, t.clock.now()])
  const email = mail && wanted.email ? await t.emailOf(recipient) : undefined
  if (!email) return
  const letter = { to: email.address, subject: title(data), text: text(data) }
  await t.sendMail({ ...letter, key: `${kind} ${recipient} ${key}` })
}

const KEEP = `insert into node.notification
    (recipient, id, kind, key, subject, data, "createdAt")
  values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`

type Wishes = { readonly inApp: boolean; readonly email: boolean }

const EVERYTHING: Wishes = { inApp: true, email: true }

/** Where somebody wants to be told of what may be left out. */
async function wishesOf(sql: Sql, did: string, kind: string): Promise<Wishes> {
  const { rows } = await sql.query<Wishes>(
    `select o.did is null and coalesce(p."inApp", true) as "inApp",
            o.did is null and coalesce(p.email, true) as email
     from (select $1::text as did) w
     left join node.preference p on p.did = w.did
     left join node."notificationOptOut" o on o.did = w.did and o.kind = $2`,
    [did, kind],
  )
  return rows[0]!
}
