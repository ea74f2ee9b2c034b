import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { venueStaff } from '../../collections/enterprise/venue-staff.ts'
import { venue as venues } from '../../collections/enterprise/venue.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { shownRecord } from '../booking/show-appointment.ts'
import { findOne, madeAt, requireOwn, staffOnly } from './tenant-records.ts'

type Deps = Reading & Acting

/** `enterprise.putVenueStaff` and `removeVenueStaff`: who works at a venue, and how. */
export function putVenueStaff(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps
  const allowed = async (tenant: string, did: string) => {
    const permission = 'manage_orders'
    const { standing } = await requireTenantPermission(sql, { tenant, did, permission })
    return { actor: did, role: standing.role }
  }

  procedure(mount, co.kendev.enterprise.putVenueStaff, async ({ input, viewer }) => {
    const { tenant, staff } = input
    const by = await allowed(tenant, viewer.did)
    const venue = await requireOwn(sql, venues, { uri: staff.venue, tenant })
    const rkey = `${venue.rkey}:${staff.user}`
    const uri = recordUri(tenant, venueStaff.nsid, rkey)
    const before = await findOne(sql, venueStaff, uri)
    const now = clock.now().toISOString()
    const createdAt = madeAt(before, now)
    await act(deps, {
      at: staffOnly(tenant, venueStaff, rkey),
      record: {
        ...staff,
        venue: venue.uri,
        $type: venueStaff.nsid,
        createdAt,
        ...(before && { updatedAt: now }),
      },
      by: { ...by, action: co.kendev.enterprise.putVenueStaff.$lxm },
    })
    return (await shownRecord(deps, venueStaff, uri)) as never
  })

  procedure(mount, co.kendev.enterprise.removeVenueStaff, async ({ input, viewer }) => {
    const { tenant, user } = input
    const by = await allowed(tenant, viewer.did)
    const venue = await requireOwn(sql, venues, { uri: input.venue, tenant })
    const rkey = `${venue.rkey}:${user}`
    await requireOwn(sql, venueStaff, { uri: recordUri(tenant, venueStaff.nsid, rkey), tenant })
    await act(deps, {
      at: staffOnly(tenant, venueStaff, rkey),
      record: undefined,
      by: { ...by, action: co.kendev.enterprise.removeVenueStaff.$lxm },
    })
    const { rows } = await sql.query<{ count: number }>(BOOKED, [
      tenant,
      venue.uri,
      user,
      clock.now(),
    ])
    return { bookings: rows[0]!.count }
  })
}

const BOOKED = `select count(*)::int as count from appview."${appointmentNotes.table}" n
  join appview."${appointments.table}" a on a.uri = n.appointment and a.did = n.did
  where n.did = $1 and a.venue = $2 and n.staff @> array[$3::text] and a."startTime" > $4
    and a.status in ('scheduled', 'confirmed')`
