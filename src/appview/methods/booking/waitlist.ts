import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { customerOf } from '../../business/customers.ts'
import { waitlistEntry as entries } from '../../collections/booking/waitlist-entry.ts'
import { moveOf } from '../../machine.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, recordUri } from '../../reference.ts'
import { type Mount, guestProcedure } from '../../serve.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import type { BookingDeps } from './book-appointment.ts'
import { bookerOf, staffRole } from './booker.ts'
import { shownRecord } from './show-appointment.ts'
import { requireBookable, serviceOf } from './venue-plan.ts'

const PURPOSE = 'waitlist'
const WAITING_MAX = 20
const DAYS_MAX = 366
const DAY = 86_400_000

/** `booking.joinWaitlist`: who waits is told when a start becomes free. */
export function joinWaitlist(mount: Mount, deps: BookingDeps): void {
  const { sql, links, transact } = deps

  guestProcedure(mount, co.kendev.booking.joinWaitlist, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const venue = await requireBookable(sql, input.venue)
    const { serviceId } = serviceOf(venue, input.serviceId)
    const { tenant } = venue
    const span = { from: Date.parse(input.from), to: Date.parse(input.to) }
    if (span.to <= span.from || span.to - span.from > DAYS_MAX * DAY) throw badSpan()
    const booker = await bookerOf(sql, { ...input, tenant, viewer, permission: 'manage_orders' })
    const method = co.kendev.booking.joinWaitlist.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    const { uri } = await transact({ tenant, once }, async (d) => {
      const customer = await customerOf(d, booker.who)
      const { rows } = await d.tx.query<{ count: number }>(COUNT, [customer.place])
      if (rows[0]!.count >= WAITING_MAX) throw tooMany()
      const rkey = d.nextTid()
      const { staff, seats, from, to } = input
      const record = {
        venue: venue.uri,
        serviceId,
        customer: customer.key,
        from,
        to,
        status: 'waiting',
        createdAt: d.now.toISOString(),
        ...(staff !== undefined && { staff }),
        ...(seats !== undefined && { seats }),
        ...(booker.attendee !== undefined && { attendee: booker.attendee }),
        ...(booker.contact && { contact: booker.contact }),
      }
      const write = { place: customer.place, collection: entries.nsid, rkey, record }
      return {
        answer: { uri: recordUri(tenant, entries.nsid, rkey) },
        writes: [...customer.writes, write],
        by: { actor: viewer?.did ?? tenant, role: booker.role, action: method },
      }
    })
    const token = links.sign({ purpose: PURPOSE, subject: uri, until: new Date(span.to) })
    return { entry: await shownRecord(deps, entries, uri), token } as never
  })
}

/** `booking.leaveWaitlist`, by account or by signed link. */
export function leaveWaitlist(mount: Mount, deps: BookingDeps): void {
  const { sql, transact } = deps

  guestProcedure(mount, co.kendev.booking.leaveWaitlist, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const uri = knownUri(input.entry)
    const at = await placeOfEntry(deps, uri)
    requireOpen(await requireTenant(sql, at.tenant))
    const role = await roleOf(deps, { ...at, uri, did: viewer?.did, token: input.token })
    const method = co.kendev.booking.leaveWaitlist.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    await transact({ tenant: at.tenant, once }, async (d) => {
      const by = { actor: viewer?.did ?? at.tenant, role, action: method }
      const found = await d.read({ ...at, collection: entries.nsid })
      if (!found) throw notFound(`entry ${input.entry}`)
      const move = moveOf(entries.machine!, found.record, { to: 'left' })
      if (!move) return { answer: {}, writes: [], by }
      const record = { ...found.record, status: 'left', updatedAt: d.now.toISOString() }
      const write = { place: at.place, collection: entries.nsid, rkey: at.rkey, record }
      return { answer: {}, writes: [write], by }
    })
    return (await shownRecord(deps, entries, uri)) as never
  })
}

const COUNT = `select count(*)::int as count from appview."${entries.table}"
  where place = $1 and status in ('waiting', 'offered')`

async function placeOfEntry({ sql }: BookingDeps, uri: string) {
  const { rows } = await sql.query<{ tenant: string; place: string; rkey: string }>(
    `select did as tenant, place, rkey from appview."${entries.table}" where uri = $1`,
    [uri],
  )
  if (rows[0]) return rows[0]
  throw notFound(`entry ${uri}`)
}

/** As whom somebody may take an entry away. Throws `NotFound` for who may not see it. */
async function roleOf(
  { sql, links, clock }: BookingDeps,
  asks: {
    tenant: string
    place: string
    uri: string
    did: string | undefined
    token: string | undefined
  },
): Promise<string> {
  const { tenant, place, uri, did, token } = asks
  const role = await staffRole(sql, { tenant, did, permission: 'manage_orders' })
  if (role) return role
  if (token !== undefined) {
    const subject = links.read(token, PURPOSE, clock.now())
    if (subject === uri) return 'link'
    throw new ForbiddenError('This link is over, or for something else.', 'InvalidLink')
  }
  const { rows } = await sql.query(
    'select 1 from repo.customer where tenant = $1 and who = $2 and skey = $3',
    [tenant, did ?? '', place.split('/').at(-1)],
  )
  if (rows.length > 0) return 'customer'
  throw notFound(`entry ${uri}`)
}

function badSpan(): InvalidRequestError {
  return new InvalidRequestError(
    'Wait for a start in a time that ends after it begins, of a year at most.',
    'BadSpan',
  )
}

function tooMany(): InvalidRequestError {
  return new InvalidRequestError(
    `You wait for ${WAITING_MAX} starts already. Leave one of those lists first.`,
    'LimitExceeded',
  )
}
