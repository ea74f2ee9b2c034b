import { decode } from '@atproto/lex-cbor'
import { TENANT_SPACE, audienceUri } from '../../permissioned/audience.ts'
import type { Deciding } from '../business/transact.ts'
import { stockMovement } from '../collections/commerce/stock-movement.ts'
import type { Sql } from '../sql.ts'
import type { StockLine } from './stock-guard.ts'

/** What orders have of the stock now, in units. */
export type Promised = {
  readonly reserved: readonly StockLine[]
  readonly allocated: readonly StockLine[]
}

/** Makes the guard of a tenant's stock anew, in the tenant's turn: what is on hand from the
 *  movements in its repo, what is promised from its orders. How much may be backordered stays as it
 *  is. */
export async function restoreStock(
  d: Pick<Deciding, 'tx' | 'tenant' | 'requireStored'>,
  promised: Promised,
): Promise<void> {
  const place = audienceUri(d.tenant, 'staff', TENANT_SPACE)
  d.requireStored(place)
  const lines = {
    onHand: await movedOf(d.tx, d.tenant, place),
    reserved: promised.reserved,
    allocated: promised.allocated,
  }
  const values = Object.values(lines).flatMap((some) => [
    some.map(({ item }) => item),
    some.map(({ quantity }) => quantity),
  ])
  await d.tx.query(RESTORE, [d.tenant, ...values])
}

async function movedOf(tx: Sql, tenant: string, place: string): Promise<StockLine[]> {
  const { rows } = await tx.query<{ bytes: Uint8Array }>(
    'select bytes from repo.record where space = $1 and did = $2 and collection = $3',
    [place, tenant, stockMovement.nsid],
  )
  return rows.map(({ bytes }) => {
    const { item, delta } = decode(bytes) as { item: string; delta: number }
    return { item, quantity: delta }
  })
}

/** An item that nothing is known of has none. */
const RESTORE = `
  with m as (select item, sum(n)::int as n from unnest($2::text[], $3::int[]) as m (item, n)
    group by item),
  r as (select item, sum(n)::int as n from unnest($4::text[], $5::int[]) as r (item, n)
    group by item),
  a as (select item, sum(n)::int as n from unnest($6::text[], $7::int[]) as a (item, n)
    group by item),
  known as (select item from m union select item from r union select item from a
    union select item from repo.stock where tenant = $1)
  insert into repo.stock (tenant, item, "onHand", reserved, allocated)
  select $1, item, coalesce(m.n, 0), coalesce(r.n, 0), coalesce(a.n, 0)
  from known left join m using (item) left join r using (item) left join a using (item)
  on conflict (tenant, item) do update set "onHand" = excluded."onHand",
    reserved = excluded.reserved, allocated = excluded.allocated`
