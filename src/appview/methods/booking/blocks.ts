import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, act } from '../../act.ts'
import { instantOf } from '../../booking/local-time.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { block as blocks } from '../../collections/booking/block.ts'
import { venueStaff } from '../../collections/enterprise/venue-staff.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, readReference, recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { requireOpen, requireTenantMember, tenantAllows } from '../../tenant-access.ts'
import { shownRecord } from './show-appointment.ts'
import { findVenue } from './venue-plan.ts'

type Deps = Reading & Acting
type Block = co.kendev.booking.block.Main

/** `booking.putBlock` and `removeBlock`: times at which nothing is booked. Those who plan the work
 *  note them for all, others for themselves. */
export function putBlock(mount: Mount, deps: Deps): void {
  const { clock, nextTid } = deps

  procedure(mount, co.kendev.booking.putBlock, async ({ input, viewer }) => {
    const { tenant, block, uri } = input
    const role = await requirePlanner(deps, { tenant, did: viewer.did, block })
    if (block.venue !== undefined) await requireOwnVenue(deps, tenant, block.venue)
    const rkey = uri === undefined ? nextTid() : (await ownBlock(deps, tenant, uri)).rkey
    if (uri !== undefined) await requirePlanner(deps, { tenant, did: viewer.did, uri })
    const venue = block.venue === undefined ? {} : { venue: knownUri(block.venue) }
    await act(deps, {
      at: at(tenant, rkey),
      record: {
        ...block,
        ...venue,
        $type: blocks.nsid,
        createdAt: clock.now().toISOString(),
      },
      by: { actor: viewer.did, role, action: co.kendev.booking.putBlock.$lxm },
    })
    const shown = await shownRecord(deps, blocks, recordUri(tenant, blocks.nsid, rkey))
    return { block: shown, bookings: await bookingsIn(deps, tenant, block) } as never
  })

  procedure(mount, co.kendev.booking.removeBlock, async ({ input, viewer }) => {
    const { tenant, uri } = input
    const role = await requirePlanner(deps, { tenant, did: viewer.did, uri })
    const { rkey } = await ownBlock(deps, tenant, uri)
    await act(deps, {
      at: at(tenant, rkey),
      record: undefined,
      by: { actor: viewer.did, role, action: co.kendev.booking.removeBlock.$lxm },
    })
    return {}
  })
}

/** A venue of the tenant itself. Throws `NotFound` for one of another. */
export async function requireOwnVenue(deps: Pick<Deps, 'sql'>, tenant: string, uri: string) {
  const venue = await findVenue(deps.sql, uri)
  if (venue.tenant !== tenant) throw notFound(`venue ${uri}`)
  return venue
}

/** Whoever may note this: for all with manage_orders, for themselves who works at a venue. */
async function requirePlanner(
  deps: Deps,
  asks: { tenant: string; did: string; block?: Block; uri?: string },
): Promise<string> {
  const { tenant, did } = asks
  const seen = await requireTenantMember(deps.sql, { tenant, did })
  requireOpen(seen.tenant)
  if (tenantAllows(seen.standing, 'manage_orders')) return seen.standing.role
  const staff = asks.uri ? (await ownBlock(deps, tenant, asks.uri)).staff : asks.block?.staff
  const { rows } = await deps.sql.query(
    `select 1 from appview."${venueStaff.table}" where did = $1 and "user" = $2`,
    [tenant, did],
  )
  if (staff === did && rows.length > 0) return seen.standing.role
  throw new ForbiddenError('You may note when you are away yourself, and nobody else.', 'Forbidden')
}

async function ownBlock({ sql }: Deps, tenant: string, uri: string) {
  const { rows } = await sql.query<{ rkey: string; staff: string | null }>(
    `select rkey, staff from appview.block where uri = $1 and did = $2`,
    [knownUri(uri), tenant],
  )
  if (!rows[0] || readReference(uri) === undefined) throw notFound(`block ${uri}`)
  return rows[0]
}

function at(tenant: string, rkey: string) {
  const place = audienceUri(tenant, 'staff', TENANT_SPACE)
  return { did: tenant, collection: blocks.nsid, rkey, place }
}

/** Bookings to come that stand in the time of a block: somebody has to move them. */
async function bookingsIn({ sql }: Deps, tenant: string, block: Block): Promise<string[]> {
  const { localStart, localEnd, timezone, venue, staff, bayId } = block
  const [from, to] = [localStart, localEnd].map((local) => new Date(instantOf(local, timezone)))
  const { rows } = await sql.query<{ uri: string }>(BOOKED_IN, [
    tenant,
    from,
    to,
    venue === undefined ? null : knownUri(venue),
    staff ?? null,
    bayId ?? null,
  ])
  return rows.map(({ uri }) => uri)
}

const BOOKED_IN = `select a.uri from appview."${appointments.table}" a
  left join appview."${appointmentNotes.table}" n on n.appointment = a.uri and n.did = a.did
  where a.did = $1 and a."endTime" > $2 and a."startTime" < $3
    and a.status in ('scheduled', 'confirmed')
    and ($4::text is null or a.venue = $4) and ($5::text is null or n.staff @> array[$5::text])
    and ($6::text is null or a.content->'bayAssignment'->>'assignedBay' = $6)
  order by a."startTime" limit 100`
