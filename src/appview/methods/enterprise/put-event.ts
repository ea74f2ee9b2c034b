import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, act } from '../../act.ts'
import { event as events } from '../../collections/enterprise/event.ts'
import type { Row } from '../../define.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { shownRecord } from '../booking/show-appointment.ts'
import { mirrorJob, promoteJob } from './event-jobs.ts'
import { newsOf } from './event-status.ts'
import { madeAt, requireOwn } from './tenant-records.ts'

type Deps = Reading & Acting
type EventRecord = co.kendev.enterprise.event.Main

/** `enterprise.putEvent`: what people may come to, for those who look after events. */
export function putEvent(mount: Mount, deps: Deps): void {
  const { sql } = deps
  const permission = 'manage_content'

  procedure(mount, co.kendev.enterprise.putEvent, async ({ input, viewer }) => {
    const { tenant, uri } = input
    const { standing } = await requireTenantPermission(sql, { tenant, did: viewer.did, permission })
    const before = uri === undefined ? undefined : await requireOwn(sql, events, { uri, tenant })
    const by = { actor: viewer.did, role: standing.role }
    const known = await keep(deps, { tenant, before, by, event: input.event })
    return (await shownRecord(deps, events, known)) as never
  })
}

/** Writes an event where its readers are. What is no longer for everybody, or is now, moves. */
async function keep(
  deps: Deps,
  of: {
    tenant: string
    before: Row | undefined
    by: { actor: string; role: string }
    event: EventRecord
  },
): Promise<string> {
  const { tenant, before, event } = of
  const { clock, nextTid } = deps
  const rkey = before?.rkey ?? nextTid()
  const now = clock.now().toISOString()
  const known = before?.['content'] as EventRecord | undefined
  const isMoved = known !== undefined && timesOf(known) !== timesOf(event)
  if (before) await requireRoom(deps, before, event)
  const place = event.isPublic ? '' : audienceUri(tenant, 'members', TENANT_SPACE)
  const { status: _, statusReason: __, ...said } = event
  const record = {
    ...said,
    $type: events.nsid,
    createdAt: madeAt(before, now),
    status: known?.status ?? 'scheduled',
    ...(known?.statusReason !== undefined && { statusReason: known.statusReason }),
    sequence: (known?.sequence ?? 0) + (isMoved ? 1 : 0),
    ...(before && { updatedAt: now }),
  }
  const by = { ...of.by, action: co.kendev.enterprise.putEvent.$lxm }
  const at = { did: tenant, collection: events.nsid, rkey }
  const told = isMoved ? [newsOf(before!, 'moved')] : []
  const effects = [...told, mirrorJob(tenant, rkey, now), promoteJob(tenant, rkey, now)]
  const stays = before?.place === place
  await act(deps, {
    at: { ...at, place },
    record,
    swap: stays ? before!.cid : null,
    by,
    effects,
  })
  if (before && !stays)
    await act(deps, { at: { ...at, place: before.place }, record: undefined, by })
  return recordUri(tenant, events.nsid, rkey)
}

function timesOf({ eventDate, startTime, endTime, endDate, timezone }: EventRecord): string {
  return [eventDate, startTime, endTime, endDate, timezone].join(' ')
}

/** Throws `GuardFailed` for fewer places than are taken. */
async function requireRoom({ sql }: Deps, before: Row, event: EventRecord): Promise<void> {
  if (event.capacity === undefined) return
  const { rows } = await sql.query<{ taken: number }>(
    'select taken from repo.seat where tenant = $1 and subject = $2',
    [before.did, `event:${before.rkey}`],
  )
  const taken = rows[0]?.taken ?? 0
  if (taken > event.capacity)
    throw new InvalidRequestError(
      `${taken} places are taken. Ask some to stay away, or keep as many.`,
      'GuardFailed',
    )
}
