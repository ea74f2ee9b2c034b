import type { Sql } from '../sql.ts'
import type { StockLine } from './stock-guard.ts'

/** What orders have of the stock now, in units. */
export type Promised = {
  readonly reserved: readonly StockLine[]
  readonly allocated: readonly StockLine[]
}

/** Makes the guard of a tenant's stock anew: what is on hand from the movements in its repo, what
 *  is promised from its orders. How much may be backordered is kept where it is known. To be called
 *  in the tenant's turn. */
export async function restoreStock(tx: Sql, tenant: string, promised: Promised): Promise<void> {
  await tx.query(RESTORE, [
    tenant,
    promised.reserved.map(({ item }) => item),
    promised.reserved.map(({ quantity }) => quantity),
    promised.allocated.map(({ item }) => item),
    promised.allocated.map(({ quantity }) => quantity),
  ])
  await tx.query(FORGET, [tenant, promised.reserved.concat(promised.allocated).map((p) => p.item)])
}

const RESTORE = `
  with m as (
    select item, sum(delta)::int as n from appview."stockMovement" where did = $1 group by item),
  r as (select item, sum(n)::int as n from unnest($2::text[], $3::int[]) as r (item, n)
    group by item),
  a as (select item, sum(n)::int as n from unnest($4::text[], $5::int[]) as a (item, n)
    group by item),
  every as (select item from m union select item from r union select item from a)
  insert into repo.stock (tenant, item, "onHand", reserved, allocated)
  select $1, item, coalesce(m.n, 0), coalesce(r.n, 0), coalesce(a.n, 0)
  from every left join m using (item) left join r using (item) left join a using (item)
  on conflict (tenant, item) do update set "onHand" = excluded."onHand",
    reserved = excluded.reserved, allocated = excluded.allocated`

const FORGET = `delete from repo.stock where tenant = $1 and not item = any($2)
  and not exists (select 1 from appview."stockMovement" m where m.did = $1 and m.item = stock.item)`
