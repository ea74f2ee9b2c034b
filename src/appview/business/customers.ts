import { createHash } from 'node:crypto'
import {
  type CustomerKey,
  TENANT_SPACE,
  audienceUri,
  ensureAudience,
  newCustomerKey,
} from '../../permissioned/audience.ts'
import { customer } from '../collections/commerce/customer.ts'
import type { Deciding, TenantWrite } from './transact.ts'

/** A customer by account, or a guest by address. */
export type Who =
  | { readonly did: string; readonly name?: string; readonly phone?: string }
  | { readonly email: string; readonly name?: string; readonly phone?: string }

/** A customer's space, and what makes it when it is new: to be among the writes of the decision. */
export type CustomerSpace = {
  readonly key: CustomerKey
  readonly place: string
  readonly writes: readonly TenantWrite[]
}

/** The space of a customer of the tenant that is decided about, made when it is first needed. Two
 *  customers never share one, and its key tells nobody whose it is. */
export async function customerOf(d: Deciding, who: Who): Promise<CustomerSpace> {
  const { rows } = await d.tx.query<{ skey: CustomerKey }>(
    'select skey from repo.customer where tenant = $1 and who = $2',
    [d.tenant, nameOf(who)],
  )
  if (rows[0]) return { ...at(d.tenant, rows[0].skey), writes: [] }
  const key = newCustomerKey()
  await d.tx.query('insert into repo.customer (tenant, who, skey) values ($1, $2, $3)', [
    d.tenant,
    nameOf(who),
    key,
  ])
  const { place } = at(d.tenant, key)
  const now = d.now
  await ensureAudience(d.tx, { authority: d.tenant, audience: key, type: TENANT_SPACE, now })
  if ('did' in who) await d.tx.query(ADMIT, [place, who.did, now])
  const { name, phone } = who
  const record = {
    ...('did' in who ? { subject: who.did } : { email: who.email }),
    ...(name !== undefined && { name }),
    ...(phone !== undefined && { phone }),
    createdAt: now.toISOString(),
  }
  return { key, place, writes: [{ place, collection: customer.nsid, rkey: key, record }] }
}

const ADMIT = `insert into repo.member (space, did, read, write, "addedAt")
  values ($1, $2, true, false, $3) on conflict do nothing`

function at(tenant: string, key: CustomerKey) {
  return { key, place: audienceUri(tenant, key, TENANT_SPACE) }
}

/** Addresses of guests are known by their hash; what they are stands in the guest's record. */
function nameOf(who: Who): string {
  if ('did' in who) return who.did
  return `guest:${createHash('sha256').update(who.email.trim().toLowerCase()).digest('hex')}`
}

/** The next number of a series of the tenant, from 1. It is taken with what bears it: whatever
 *  undoes the decision gives it back, so there are no gaps. */
export async function nextInSeries(d: Deciding, series: string): Promise<number> {
  const { rows } = await d.tx.query<{ last: string }>(
    `insert into repo.series as s (tenant, series, last) values ($1, $2, 1)
     on conflict (tenant, series) do update set last = s.last + 1 returning last`,
    [d.tenant, series],
  )
  return Number(rows[0]!.last)
}
