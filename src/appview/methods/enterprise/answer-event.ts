import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { placesOf } from '../../booking/event-places.ts'
import { customerOf } from '../../business/customers.ts'
import type { Deciding, Decision } from '../../business/transact.ts'
import { rsvp as rsvps } from '../../collections/enterprise/rsvp.ts'
import { moveOf } from '../../machine.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, recordUri } from '../../reference.ts'
import { type Mount, guestProcedure, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen, requireTenantPermission } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import type { BookingDeps } from '../booking/book-appointment.ts'
import { type Booker, bookerOf, staffRole } from '../booking/booker.ts'
import { shownRecord } from '../booking/show-appointment.ts'
import {
  type Event,
  type Rsvp,
  eventAt,
  findEvent,
  isOpen,
  promote,
  takePlaces,
  waitingFor,
} from './event-seats.ts'

const PURPOSE = 'rsvp'
const LINK_AFTER = 30 * 86_400_000

type Input = co.kendev.enterprise.answerEvent.$InputBody

/** `enterprise.answerEvent`: places are given by the tenant, in one transaction with their
 *  count, so that the last one has one taker. */
export function answerEvent(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.enterprise.answerEvent, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const event = await findEvent(deps.sql, input.event, viewer?.did)
    const { tenant } = event
    requireOpen(await requireTenant(deps.sql, tenant))
    const seats = input.seats ?? 1
    if (seats > (event.content.maxGuests ?? 1)) throw tooMany(event)
    const permission = 'manage_content'
    const booker = await bookerOf(deps.sql, { ...input, tenant, viewer, permission })
    const method = co.kendev.enterprise.answerEvent.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    const { uri } = await deps.transact({ tenant, once }, (d) =>
      answer(d, { event, booker, input, seats, actor: viewer?.did ?? tenant }),
    )
    const until = new Date(event.endsAt.getTime() + LINK_AFTER)
    const token = deps.links.sign({ purpose: PURPOSE, subject: uri, until })
    return { rsvp: await shownRecord(deps, rsvps, uri), token } as never
  })
}

async function answer(
  d: Deciding,
  of: { event: Event; booker: Booker; input: Input; seats: number; actor: string },
): Promise<Decision<{ uri: string }>> {
  const { event, booker, input, seats, actor } = of
  if (!isOpen(event, d.now)) throw isOver()
  const customer = await customerOf(d, booker.who)
  const rkey = `${event.rkey}:${customer.key}`
  const found = await d.read({ place: customer.place, collection: rsvps.nsid, rkey })
  const before = found?.record as Rsvp | undefined
  const status = await settled(d, { event, rkey, before, wants: { status: input.status, seats } })
  if (before) moveOf(rsvps.machine!, before, { to: status })
  const now = d.now.toISOString()
  const { attendee, contact } = booker
  const record = {
    ...before,
    event: event.uri,
    customer: customer.key,
    status,
    seats,
    ...(attendee !== undefined && { attendee }),
    ...(contact && { contact }),
    ...(input.note !== undefined && { note: input.note }),
    ...(status === 'waitlisted' && { waitingSince: before?.['waitingSince'] ?? now }),
    createdAt: before?.['createdAt'] ?? now,
    ...(before && { updatedAt: now }),
  }
  const write = { place: customer.place, collection: rsvps.nsid, rkey, record }
  const next = await promote(d, event, rkey)
  return {
    answer: { uri: recordUri(d.tenant, rsvps.nsid, rkey) },
    writes: [...customer.writes, write, ...next.writes],
    jobs: next.jobs,
    by: { actor, role: booker.role, action: co.kendev.enterprise.answerEvent.$lxm },
  }
}

/** What an answer becomes: who comes too late waits, behind all who wait already. Throws
 *  `EventFull` where the event lets nobody wait. */
async function settled(
  d: Deciding,
  of: {
    event: Event
    rkey: string
    before: Rsvp | undefined
    wants: { status: string; seats: number }
  },
): Promise<string> {
  const { event, rkey, before, wants } = of
  const had = before ? placesOf({ status: before.status, seats: before.seats ?? 1 }) : 0
  if (wants.status !== 'going') {
    await takePlaces(d, event, -had)
    return wants.status === 'maybe' ? 'maybe' : 'declined'
  }
  const inLine = had === 0 && (await waitingFor(d.tx, event, rkey)).length > 0
  if (!inLine && (await takePlaces(d, event, wants.seats - had))) return 'going'
  if (event.content.waitlist && had === 0) return 'waitlisted'
  throw new InvalidRequestError(
    had > 0 ? 'There are not as many places left. You keep those you have.' : 'No place is left.',
    'EventFull',
  )
}

/** `enterprise.leaveEvent`, for who answered, and `checkInAttendee`, for the staff. */
export function leaveEvent(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.enterprise.leaveEvent, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const at = await placeOfRsvp(deps.sql, input.rsvp)
    const { tenant } = at
    requireOpen(await requireTenant(deps.sql, tenant))
    const role = await roleOf(deps, at, { did: viewer?.did, token: input.token })
    const method = co.kendev.enterprise.leaveEvent.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    const event = await eventAt(deps.sql, at.event)
    await deps.transact({ tenant, once }, async (d) => {
      const by = { actor: viewer?.did ?? tenant, role, action: method }
      const before = await readRsvp(d, at)
      if (!isOpen(event, d.now)) throw isOver()
      const move = moveOf(rsvps.machine!, before, { to: 'declined' })
      if (!move) return { answer: {}, writes: [], by }
      await takePlaces(d, event, -placesOf({ status: before.status, seats: before.seats ?? 1 }))
      const record = { ...before, status: 'declined', updatedAt: d.now.toISOString() }
      const { place, rkey } = at
      const next = await promote(d, event, rkey)
      const write = { place, collection: rsvps.nsid, rkey, record }
      return { answer: {}, writes: [write, ...next.writes], jobs: next.jobs, by }
    })
    return (await shownRecord(deps, rsvps, at.uri)) as never
  })

  procedure(mount, co.kendev.enterprise.checkInAttendee, async ({ input, viewer }) => {
    const at = await placeOfRsvp(deps.sql, input.rsvp)
    const { tenant, place, rkey } = at
    const permission = 'manage_content'
    const asks = { tenant, did: viewer.did, permission } as const
    const { standing } = await requireTenantPermission(deps.sql, asks)
    const event = await eventAt(deps.sql, at.event)
    await deps.transact({ tenant }, async (d) => {
      const action = co.kendev.enterprise.checkInAttendee.$lxm
      const by = { actor: viewer.did, role: standing.role, action }
      const before = await readRsvp(d, at)
      if (input.status === 'no_show' && d.now < event.endsAt) throw tooEarly()
      if (!moveOf(rsvps.machine!, before, { to: input.status }))
        return { answer: {}, writes: [], by }
      const now = d.now.toISOString()
      const { checkedInAt: _, ...rest } = before
      const came = input.status === 'checked_in' && { checkedInAt: now }
      const record = { ...rest, status: input.status, ...came, updatedAt: now }
      return { answer: {}, writes: [{ place, collection: rsvps.nsid, rkey, record }], by }
    })
    return (await shownRecord(deps, rsvps, at.uri)) as never
  })
}

type At = { tenant: string; place: string; rkey: string; event: string; uri: string }

async function placeOfRsvp(sql: Sql, given: string): Promise<At> {
  const uri = knownUri(given)
  const { rows } = await sql.query<Omit<At, 'uri'>>(
    `select did as tenant, place, rkey, event from appview."${rsvps.table}" where uri = $1`,
    [uri],
  )
  if (rows[0]) return { ...rows[0], uri }
  throw notFound(`answer ${given}`)
}

async function readRsvp(d: Deciding, { place, rkey }: At): Promise<Rsvp> {
  const found = await d.read({ place, collection: rsvps.nsid, rkey })
  if (found) return found.record as Rsvp
  throw notFound('answer')
}

/** As whom somebody may take an answer back. Throws `NotFound` for who may not see it. */
async function roleOf(
  { sql, links, clock }: BookingDeps,
  { tenant, place, uri }: At,
  { did, token }: { did: string | undefined; token: string | undefined },
): Promise<string> {
  const role = await staffRole(sql, { tenant, did, permission: 'manage_content' })
  if (role) return role
  if (token !== undefined) {
    if (links.read(token, PURPOSE, clock.now()) === uri) return 'link'
    throw new ForbiddenError('This link is over, or for something else.', 'InvalidLink')
  }
  const { rows } = await sql.query(
    'select 1 from repo.customer where tenant = $1 and who = $2 and skey = $3',
    [tenant, did ?? '', place.split('/').at(-1)],
  )
  if (rows.length > 0) return 'customer'
  throw notFound(`answer ${uri}`)
}

function isOver(): InvalidRequestError {
  return new InvalidRequestError('The event has begun, is over or is cancelled.', 'EventOver')
}

function tooMany({ content }: Event): InvalidRequestError {
  const most = content.maxGuests ?? 1
  return new InvalidRequestError(`One may take ${most} places of this event.`, 'LimitExceeded')
}

function tooEarly(): InvalidRequestError {
  return new InvalidRequestError('Who has not come is known when it is over.', 'TooEarly')
}
