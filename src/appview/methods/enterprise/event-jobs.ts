import type { Job } from '../../../jobs/jobs.ts'
import type { co } from '../../../lexicons/index.ts'
import type { Acting } from '../../act.ts'
import type { Transact } from '../../business/transact.ts'
import { event as events } from '../../collections/enterprise/event.ts'
import { rsvp as rsvps } from '../../collections/enterprise/rsvp.ts'
import { recordUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import { type Event, promote } from './event-seats.ts'

/** The queue of public events as other programs know them. */
export const MIRROR_EVENT = 'mirror-event'
/** The queue of places that may be free. */
export const PROMOTE = 'promote-attendees'

/** What other programs of the network know events by. */
const MIRROR = 'community.lexicon.calendar.event'

type At = { tenant: string; rkey: string }

/** A job that shows an event to other programs as it is since an instant. */
export function mirrorJob(tenant: string, rkey: string, since: string): Job {
  const data = { tenant, rkey, since }
  return { queue: MIRROR_EVENT, key: `${tenant} ${rkey} ${since}`, data, afterSeconds: VIEWS_AFTER }
}

/** What the job reads has come into the views by then, as a rule. */
const VIEWS_AFTER = 1

/** A job that gives free places of an event to those who wait. */
export function promoteJob(tenant: string, rkey: string, key: string): Job {
  const data = { tenant, rkey }
  return { queue: PROMOTE, key: `${tenant} ${rkey} ${key}`, data, afterSeconds: VIEWS_AFTER }
}

type Row = Omit<Event, 'tenant'> & { did: string; place: string }

async function eventRow(sql: Sql, { tenant, rkey }: At): Promise<Row | undefined> {
  const { rows } = await sql.query<Row>(
    `select did, rkey, uri, place, status, "startsAt", "endsAt", content
     from appview."${events.table}" where uri = $1`,
    [recordUri(tenant, events.nsid, rkey)],
  )
  return rows[0]
}

/** Writes what a public event looks like to programs that know `community.lexicon`, under its own
 *  key; for one that is not public, or no more, there is nothing. Done again it changes
 *  nothing. */
export async function mirrorEvent(
  { sql, writer }: Pick<Acting, 'sql' | 'writer'>,
  at: At & { since?: string },
): Promise<void> {
  const { tenant: did, rkey, since = '' } = at
  const row = await eventRow(sql, at)
  // Tried again until the views have what called for it.
  if ((row?.content.updatedAt ?? row?.content.createdAt ?? '') < since)
    throw new Error(`the views do not have event ${rkey} of ${did} yet`)
  if (!row || row.place !== '') {
    await writer.deleteRecord({ did, collection: MIRROR, rkey })
    return
  }
  await writer.putRecord({ did, collection: MIRROR, rkey, record: mirrored(row) })
}

/** An event in the words of `community.lexicon.calendar.event`. */
export function mirrored(row: Pick<Event, 'content' | 'startsAt' | 'endsAt' | 'status' | 'uri'>) {
  const { content, startsAt, endsAt, status, uri } = row
  const { title, description, location, createdAt } = content as co.kendev.enterprise.event.Main
  return {
    $type: MIRROR,
    name: title,
    ...(description !== undefined && { description }),
    createdAt,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    mode: `${MIRROR}#inperson`,
    status: `${MIRROR}#${status === 'cancelled' ? 'cancelled' : 'scheduled'}`,
    ...(location !== undefined && { locations: [{ name: location }] }),
    uris: [{ uri, name: title }],
  }
}

/** Gives free places of an event to those who wait. */
export async function promoteWaiting(
  { sql, transact }: { sql: Sql; transact: Transact },
  at: At,
): Promise<void> {
  const row = await eventRow(sql, at)
  if (!row) return
  const by = { actor: at.tenant, role: 'system', action: PROMOTE }
  await transact({ tenant: at.tenant }, async (d) => {
    const { writes, jobs } = await promote(d, { ...row, tenant: at.tenant })
    return { answer: {}, writes, jobs, by }
  })
}

/** The same for all events that somebody waits for. */
export async function promoteAll(deps: {
  sql: Sql
  transact: Transact
  clock: { now(): Date }
}): Promise<void> {
  const { rows } = await deps.sql.query<At>(
    `select distinct e.did as tenant, e.rkey from appview."${events.table}" e
     join appview."${rsvps.table}" r on r.event = e.uri and r.did = e.did
       and r.status = 'waitlisted'
     where e."startsAt" > $1 and e.status in ('scheduled', 'confirmed') limit 200`,
    [deps.clock.now()],
  )
  for (const at of rows) await promoteWaiting(deps, at)
}
