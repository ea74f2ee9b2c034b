import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Viewer } from '../../access.ts'
import type { Who } from '../../business/customers.ts'
import { isEmail } from '../../collections/enterprise/contact-details.ts'
import type { Sql } from '../../sql.ts'
import { type TenantPermission, requireTenantMember, tenantAllows } from '../../tenant-access.ts'

/** How a guest, or somebody the staff books for, is reached. */
export type Contact = {
  readonly name: string
  readonly email?: string | undefined
  readonly phone?: string | undefined
}

/** Who books and for whom. */
export type Booker = {
  readonly by: 'customer' | 'staff'
  readonly actor: string
  readonly role: string
  readonly who: Who
  /** The account it is for; undefined for a guest. */
  readonly attendee: string | undefined
  readonly contact: Contact | undefined
}

/** Whether somebody works with the tenant in a role that may do this. */
export async function staffRole(
  sql: Sql,
  asks: { tenant: string; did: string | undefined; permission: TenantPermission },
): Promise<string | undefined> {
  const { tenant, did, permission } = asks
  if (did === undefined) return undefined
  const seen = await requireTenantMember(sql, { tenant, did }).catch(() => undefined)
  return seen && tenantAllows(seen.standing, permission) ? seen.standing.role : undefined
}

/** Who books for whom: an account for itself, somebody of the staff who says for whom, or a
 *  guest who says who they are. Throws `ContactRequired` for one who does not. */
export async function bookerOf(
  sql: Sql,
  asks: {
    tenant: string
    viewer: Viewer | undefined
    permission: TenantPermission
    contact?: Contact | undefined
    customer?: string | undefined
  },
): Promise<Booker> {
  const { tenant, viewer, contact, customer, permission } = asks
  const forOthers = customer !== undefined || contact !== undefined
  const role = forOthers && (await staffRole(sql, { tenant, did: viewer?.did, permission }))
  if (role) {
    const whom = customer === undefined ? guest(contact) : { did: customer }
    const attendee = customer
    return { by: 'staff', actor: viewer!.did, role, who: whom, attendee, contact }
  }
  if (viewer) {
    const who = { did: viewer.did, ...(contact && named(contact)) }
    return {
      by: 'customer',
      actor: viewer.did,
      role: 'customer',
      who,
      attendee: viewer.did,
      contact,
    }
  }
  return {
    by: 'customer',
    actor: 'guest',
    role: 'guest',
    who: guest(contact),
    attendee: undefined,
    contact,
  }
}

function guest(contact: Contact | undefined): Who {
  if (contact?.email !== undefined && isEmail(contact.email))
    return { email: contact.email, ...named(contact) }
  throw new InvalidRequestError(
    'Say who it is for: a name and an address to write to, or sign in.',
    'ContactRequired',
  )
}

function named({ name, phone }: Contact) {
  return { name, ...(phone !== undefined && { phone }) }
}
