import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../clock.ts'
import type { SignedLinks } from '../business/signed-links.ts'
import type { Decision } from '../business/transact.ts'
import { notFound } from '../not-found.ts'
import { knownUri } from '../reference.ts'
import type { Sql } from '../sql.ts'
import { requireOpen, requireTenantMember, tenantAllows } from '../tenant-access.ts'
import { findTenant } from '../tenants.ts'
import { type OrderAt, orderUri } from './order-records.ts'

/** What asking for an order needs. */
export type Asking = { readonly sql: Sql; readonly links: SignedLinks; readonly clock: Clock }

/** Who asks for an order, and how they stand to it. */
export type Asker = {
  readonly at: OrderAt
  readonly role: string
  /** Whether they manage orders of the tenant. */
  readonly isStaff: boolean
  readonly actor: string
}

/** What links to an order are for. */
const LINK = 'order'
const DAY = 86_400_000
/** For so long a guest comes back to an order. */
const LINK_DAYS = 400

type Ask = {
  readonly uri: string
  readonly viewer: string | undefined
  readonly link?: string | undefined
  /** The table of a part of the order that the uri names. */
  readonly part?: 'payment' | 'fulfilment'
}

/** Whoever may do something about an order: its customer, the guest with the link to it, the staff.
 *  To everybody else it is not there: throws `NotFound`, and `TenantSuspended`. */
export async function requireAsker(asking: Asking, ask: Ask): Promise<Asker> {
  const found = await findOrder(asking.sql, ask)
  const tenant = found && (await findTenant(asking.sql, found.at.tenant))
  if (!found || !tenant) throw notFound(`order ${ask.uri}`)
  const asker = await askerOf(asking, found, ask)
  requireOpen(tenant)
  return asker
}

/** The same for what only the staff does. Throws `Forbidden` for the customer. */
export async function requireOrderStaff(asking: Asking, ask: Ask): Promise<Asker> {
  const asker = await requireAsker(asking, ask)
  if (asker.isStaff) return asker
  throw new ForbiddenError('Only the staff of the shop may do this.', 'Forbidden')
}

/** A link by which a guest comes back to an order. */
export function linkTo({ links, clock }: Pick<Asking, 'links' | 'clock'>, at: OrderAt): string {
  const until = new Date(clock.now().getTime() + LINK_DAYS * DAY)
  return links.sign({ purpose: LINK, subject: orderUri(at), until })
}

/** The order that a link leads to. Throws `NotFound`. */
export function orderOfLink({ links, clock }: Pick<Asking, 'links' | 'clock'>, link: string) {
  const uri = links.read(link, LINK, clock.now())
  if (uri === undefined) throw notFound('order for this link')
  return uri
}

/** In whose name something is done to an order. */
export function byOf({ actor, role }: Asker, action: string, reason?: string): Decision<0>['by'] {
  return { actor, role, action, ...(reason !== undefined && { reason }) }
}

type Found = { readonly at: OrderAt; readonly customer: string | null }

async function findOrder(sql: Sql, { uri, part }: Ask): Promise<Found | undefined> {
  const { rows } = await sql.query<{
    did: string
    place: string
    rkey: string
    customer: string | null
  }>(part === undefined ? ORDER : OF_PART[part], [knownUri(uri)])
  if (!rows[0]) return undefined
  const { did: tenant, place, rkey, customer } = rows[0]
  return { at: { tenant, place, rkey }, customer }
}

const ORDER = {
  name: 'order-by-uri',
  text: `select o.did, o.place, o.rkey, o.customer from appview."order" o where o.uri = $1`,
}
const OF_PART = {
  payment: ofPart('payment'),
  fulfilment: ofPart('fulfilment'),
}

function ofPart(table: string) {
  return {
    name: `order-of-${table}`,
    text: `select o.did, o.place, o.rkey, o.customer from appview."order" o
      join appview."${table}" p on p."order" = o.uri and p.place = o.place where p.uri = $1`,
  }
}

async function askerOf(asking: Asking, { at, customer }: Found, ask: Ask): Promise<Asker> {
  const { viewer, link } = ask
  if (viewer !== undefined) {
    const role = await staffRole(asking.sql, at.tenant, viewer)
    if (role !== undefined) return { at, role, isStaff: true, actor: viewer }
    if (viewer === customer) return { at, role: 'customer', isStaff: false, actor: viewer }
  }
  const uri = link === undefined ? undefined : asking.links.read(link, LINK, asking.clock.now())
  // A guest has no account: what they do is noted under the tenant's.
  if (uri === orderUri(at)) return { at, role: 'guest', isStaff: false, actor: at.tenant }
  throw notFound(`order ${ask.uri}`)
}

/** The role of somebody who manages the orders of a tenant; undefined for all others. */
export async function staffRole(
  sql: Sql,
  tenant: string,
  did: string,
): Promise<string | undefined> {
  try {
    const { standing } = await requireTenantMember(sql, { tenant, did })
    return tenantAllows(standing, 'manage_orders') ? standing.role : undefined
  } catch {
    return undefined
  }
}
