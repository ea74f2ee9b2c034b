import type { co } from '../../../lexicons/index.ts'
import { promoted } from '../../booking/event-places.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import { event as events } from '../../collections/enterprise/event.ts'
import { rsvp as rsvps } from '../../collections/enterprise/rsvp.ts'
import type { Row } from '../../define.ts'
import { notFound } from '../../not-found.ts'
import { recordUri } from '../../reference.ts'
import { findRow } from '../../serve-list.ts'
import type { Sql } from '../../sql.ts'
import type { Job } from '../../../jobs/jobs.ts'
import { attendeeJob } from './tell-attendees.ts'
import { findOne } from './tenant-records.ts'

/** An event as it is answered. */
export type Event = {
  readonly tenant: string
  readonly rkey: string
  readonly uri: string
  readonly status: string
  readonly startsAt: Date
  readonly endsAt: Date
  readonly content: co.kendev.enterprise.event.Main
}

/** An answer as its record has it. */
export type Rsvp = Record<string, unknown> & {
  status: string
  seats?: number
  attendee?: string
  contact?: { name: string; email?: string }
}

/** An event that somebody may know of. Throws `NotFound`. */
export async function findEvent(sql: Sql, uri: string, viewer: string | undefined): Promise<Event> {
  const row = await findRow({ sql, viewer }, events, uri)
  if (!row) throw notFound(`event ${uri}`)
  return eventOf(row)
}

/** An event, whoever may know of it. Throws `NotFound`. */
export async function eventAt(sql: Sql, uri: string): Promise<Event> {
  const row = await findOne(sql, events, uri)
  if (!row) throw notFound(`event ${uri}`)
  return eventOf(row)
}

function eventOf(row: Row): Event {
  const { did: tenant, rkey } = row
  const content = row['content'] as Event['content']
  return {
    tenant,
    rkey,
    uri: row.uri,
    status: String(row['status']),
    startsAt: row['startsAt'] as Date,
    endsAt: row['endsAt'] as Date,
    content,
  }
}

/** Whether places of an event are still given away. */
export function isOpen({ status, startsAt }: Pick<Event, 'status' | 'startsAt'>, now: Date) {
  return ['scheduled', 'confirmed'].includes(status) && startsAt > now
}

const subjectOf = (event: Pick<Event, 'rkey'>) => `event:${event.rkey}`

/** Takes places: false when there are not as many. The counter and its check are the database's. */
export async function takePlaces(d: Deciding, event: Event, n: number): Promise<boolean> {
  const { capacity } = event.content
  if (capacity === undefined || n === 0) return true
  if (n < 0) {
    await d.tx.query(GIVE, [d.tenant, subjectOf(event), -n])
    return true
  }
  const { rowCount } = await d.tx.query(TAKE, [d.tenant, subjectOf(event), capacity, n])
  return rowCount === 1
}

const TAKE = `insert into repo.seat as s (tenant, subject, capacity, taken)
  select $1, $2, $3::int, $4::int where $4::int <= $3::int
  on conflict (tenant, subject) do update set taken = s.taken + $4::int, capacity = $3::int
    where s.taken + $4::int <= $3::int`

const GIVE = `update repo.seat set taken = greatest(taken - $3::int, 0)
  where tenant = $1 and subject = $2`

/** How many places are left; undefined without a limit. */
export async function placesLeft(
  sql: Sql,
  event: Pick<Event, 'tenant' | 'rkey' | 'content'>,
): Promise<number | undefined> {
  const { capacity } = event.content
  if (capacity === undefined) return undefined
  const { rows } = await sql.query<{ taken: number }>(
    'select taken from repo.seat where tenant = $1 and subject = $2',
    [event.tenant, subjectOf(event)],
  )
  return Math.max(capacity - (rows[0]?.taken ?? 0), 0)
}

/** Those who wait, longest first, but for one. */
export async function waitingFor(
  sql: Sql,
  event: Pick<Event, 'tenant' | 'rkey'>,
  except?: string,
): Promise<{ rkey: string; place: string; seats: number }[]> {
  const uri = recordUri(event.tenant, events.nsid, event.rkey)
  const { rows } = await sql.query<{ rkey: string; place: string; seats: number }>(
    `select rkey, place, seats from appview."${rsvps.table}"
     where did = $1 and event = $2 and status = 'waitlisted'
     order by coalesce("waitingSince", "createdAt"), rkey`,
    [event.tenant, uri],
  )
  return rows.filter(({ rkey }) => rkey !== except)
}

/** Gives places that are free to those who wait, in order, while the event is open and has not
 *  begun. What somebody promoted gives back is free for the next (`domain.md` SM-05). */
export async function promote(
  d: Deciding,
  event: Event,
  except?: string,
): Promise<{ writes: TenantWrite[]; jobs: Job[] }> {
  const done = { writes: [] as TenantWrite[], jobs: [] as Job[] }
  if (!isOpen(event, d.now)) return done
  const free = await placesLeft(d.tx, event)
  for (const one of promoted(await waitingFor(d.tx, event, except), free ?? Infinity)) {
    const { rkey, place, seats } = one
    const found = await d.read({ place, collection: rsvps.nsid, rkey })
    const record = found?.record as Rsvp | undefined
    if (record?.status !== 'waitlisted') continue
    if (!(await takePlaces(d, event, seats))) break
    const now = d.now.toISOString()
    const becomes = { ...record, status: 'going', promotedAt: now, updatedAt: now }
    done.writes.push({ place, collection: rsvps.nsid, rkey, record: becomes })
    done.jobs.push(attendeeJob({ tenant: d.tenant, place, rkey }, 'promoted', now))
  }
  return done
}
