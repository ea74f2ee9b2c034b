import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { type Acting, act } from '../../act.ts'
import { type Answer, statsOf } from '../../booking/event-places.ts'
import { event as events } from '../../collections/enterprise/event.ts'
import { rsvp as rsvps } from '../../collections/enterprise/rsvp.ts'
import type { Row } from '../../define.ts'
import { moveOf } from '../../machine.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { shownRecord } from '../booking/show-appointment.ts'
import { mirrorJob } from './event-jobs.ts'
import { findEvent, placesLeft } from './event-seats.ts'
import { type EventNews, attendeesJob } from './tell-attendees.ts'
import { requireOwn } from './tenant-records.ts'

type Deps = Reading & Acting
type EventRecord = co.kendev.enterprise.event.Main

const permission = 'manage_content'

/** `enterprise.setEventStatus`: confirms, completes or cancels an event; whoever comes is told. */
export function setEventStatus(mount: Mount, deps: Deps): void {
  const { sql } = deps

  procedure(mount, co.kendev.enterprise.setEventStatus, async ({ input, viewer }) => {
    const { tenant, status: to, reason } = input
    const { standing } = await requireTenantPermission(sql, { tenant, did: viewer.did, permission })
    const row = await requireOwn(sql, events, { uri: input.event, tenant })
    const now = deps.clock.now()
    if (to === 'completed' && now < (row['startsAt'] as Date)) throw tooEarly()
    if (moveOf(events.machine!, row, { to })) {
      const content = row['content'] as EventRecord
      const sequence = (content.sequence ?? 0) + (to === 'cancelled' ? 1 : 0)
      const changed = { status: to, sequence, updatedAt: now.toISOString() as never }
      const why = reason === undefined ? {} : { statusReason: reason }
      const told =
        to === 'completed' ? [] : [newsOf(row, to === 'cancelled' ? 'cancelled' : 'confirmed')]
      await act(deps, {
        at: { did: tenant, collection: events.nsid, rkey: row.rkey, place: row.place },
        record: { ...content, ...changed, ...why },
        swap: row.cid,
        by: {
          actor: viewer.did,
          role: standing.role,
          action: co.kendev.enterprise.setEventStatus.$lxm,
          ...(reason !== undefined && { reason }),
        },
        effects: [...told, mirrorJob(tenant, row.rkey, now.toISOString())],
      })
    }
    return (await shownRecord(deps, events, row.uri)) as never
  })
}

/** `enterprise.getEventStats`: how many come and how many came. */
export function getEventStats(mount: Mount, deps: Deps): void {
  const { sql } = deps

  query(mount, co.kendev.enterprise.getEventStats, async ({ params, viewer }) => {
    const { did } = required(viewer)
    const event = await findEvent(sql, params.event, did)
    const { tenant, uri, content, status, endsAt } = event
    await requireTenantPermission(sql, { tenant, did, permission, reads: true })
    const { rows } = await sql.query<Answer>(
      `select status, seats from appview."${rsvps.table}" where did = $1 and event = $2`,
      [tenant, uri],
    )
    const isOver = status === 'completed' || deps.clock.now() >= endsAt
    const stats = statsOf(rows, { isOver, expected: content.expectedAttendees })
    const seatsLeft = await placesLeft(sql, event)
    const { noShows, ...figures } = stats
    return {
      event: uri,
      ...figures,
      ...(seatsLeft !== undefined && { seatsLeft }),
      ...(noShows !== undefined && { noShows }),
    } as never
  })
}

/** A job that tells those who come what has become of an event. */
export function newsOf(row: Row, news: EventNews) {
  const sequence = (row['content'] as EventRecord).sequence ?? 0
  return attendeesJob({ tenant: row.did, event: row.uri, news, key: `${sequence} ${row.cid}` })
}

function tooEarly(): InvalidRequestError {
  return new InvalidRequestError('It has not begun: it can be completed then.', 'TooEarly')
}
