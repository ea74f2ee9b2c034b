import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { venueNotes } from '../../collections/enterprise/venue-notes.ts'
import { venue as venues } from '../../collections/enterprise/venue.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { type TenantPermission, requireTenantPermission } from '../../tenant-access.ts'
import { shownRecord } from '../booking/show-appointment.ts'
import { madeAt, requireOwn, staffOnly } from './tenant-records.ts'

type Deps = Reading & Acting

/** `enterprise.putVenue` and `putVenueNotes`: where a tenant works and takes bookings. */
export function putVenue(mount: Mount, deps: Deps): void {
  const { sql, clock, nextTid } = deps
  const allowed = async (tenant: string, did: string, permission: TenantPermission) => {
    const { standing } = await requireTenantPermission(sql, { tenant, did, permission })
    return { actor: did, role: standing.role }
  }

  procedure(mount, co.kendev.enterprise.putVenue, async ({ input, viewer }) => {
    const { tenant, uri, venue } = input
    const by = await allowed(tenant, viewer.did, 'manage_content')
    const before = uri === undefined ? undefined : await requireOwn(sql, venues, { uri, tenant })
    const rkey = before?.rkey ?? nextTid()
    const now = clock.now().toISOString()
    const createdAt = madeAt(before, now)
    await act(deps, {
      at: { did: tenant, collection: venues.nsid, rkey, place: '' },
      record: { ...venue, $type: venues.nsid, createdAt, ...(before && { updatedAt: now }) },
      swap: before?.cid ?? null,
      by: { ...by, action: co.kendev.enterprise.putVenue.$lxm },
    })
    return (await shownRecord(deps, venues, recordUri(tenant, venues.nsid, rkey))) as never
  })

  procedure(mount, co.kendev.enterprise.putVenueNotes, async ({ input, viewer }) => {
    const { tenant, notes } = input
    const by = await allowed(tenant, viewer.did, 'manage_orders')
    const venue = await requireOwn(sql, venues, { uri: notes.venue, tenant })
    const updatedAt = clock.now().toISOString()
    await act(deps, {
      at: staffOnly(tenant, venueNotes, venue.rkey),
      record: { ...notes, venue: venue.uri, $type: venueNotes.nsid, updatedAt },
      by: { ...by, action: co.kendev.enterprise.putVenueNotes.$lxm },
    })
    return (await shownRecord(
      deps,
      venueNotes,
      recordUri(tenant, venueNotes.nsid, venue.rkey),
    )) as never
  })
}
