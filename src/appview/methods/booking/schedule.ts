import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Span } from '../../booking/span.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantMember, tenantAllows } from '../../tenant-access.ts'
import { required } from '../../access.ts'
import { requireOwnVenue } from './blocks.ts'
import type { Notes } from './appointment-records.ts'
import { spanOf } from './search-availability.ts'

type Deps = Reading

/** `booking.getSchedule`, for those who do the work and those who plan it. */
export function schedule(mount: Mount, deps: Deps): void {
  query(mount, co.kendev.booking.getSchedule, async ({ params, viewer }) => {
    const { tenant, bayId } = params
    const { did } = required(viewer)
    const { standing } = await requireTenantMember(deps.sql, { tenant, did })
    const venue = await requireOwnVenue(deps, tenant, params.venue)
    const within = spanOf(params.from, params.to)
    const plans = tenantAllows(standing, 'manage_orders')
    if (!plans && params.staff !== undefined && params.staff !== did)
      throw new ForbiddenError('You may see your own schedule: leave staff out.', 'Forbidden')
    const staff = plans ? params.staff : did
    const rows = await scheduled(deps.sql, { tenant, venue: venue.uri, within, staff, bayId })
    const views = await present(
      appointments,
      rows.map(({ row }) => row),
      { ...deps, viewer: did },
    )
    const items = rows.map(({ row, notes }, n) => ({
      appointment: views[n],
      ...(notes?.staff && { staff: notes.staff }),
      ...(bayOf(row) !== undefined && { bayId: bayOf(row) }),
      ...(notes?.bufferTime && { bufferTime: notes.bufferTime }),
    }))
    return { items } as never
  })
}

/** An appointment with what stands with the staff. */
export type Scheduled = { row: Row; notes: Notes | null }

/** What is to be done at a venue in a time, in order; what was cancelled is not. */
export async function scheduled(
  sql: Sql,
  asked: {
    tenant: string
    venue: string
    within: Span
    staff?: string | undefined
    bayId?: string | undefined
  },
): Promise<Scheduled[]> {
  const { tenant, venue, within, staff, bayId } = asked
  const { rows } = await sql.query<Row & { staffNotes: Notes | null }>(SCHEDULED, [
    tenant,
    venue,
    new Date(within.start),
    new Date(within.end),
    staff ?? null,
    bayId ?? null,
  ])
  return rows.map(({ staffNotes, ...row }) => ({ row: row as Row, notes: staffNotes }))
}

const SCHEDULED = `select a.*, n.content as "staffNotes" from appview."${appointments.table}" a
  left join appview."${appointmentNotes.table}" n on n.appointment = a.uri and n.did = a.did
  where a.did = $1 and a.venue = $2 and a."endTime" > $3 and a."startTime" < $4
    and a.status <> 'cancelled'
    and ($5::text is null or n.staff @> array[$5::text] or a.organizer = $5)
    and ($6::text is null or a.content->'bayAssignment'->>'assignedBay' = $6)
  order by a."startTime", a.uri limit 2000`

/** Where an appointment is. */
export function bayOf(row: Row): string | undefined {
  const content = row['content'] as { bayAssignment?: { assignedBay?: string } }
  return content.bayAssignment?.assignedBay
}
