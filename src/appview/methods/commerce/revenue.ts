import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { required } from '../../access.ts'
import { customer } from '../../collections/commerce/customer.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { storeOf } from '../../orders/find-goods.ts'
import { orderedBy } from '../../revenue/customer-history.ts'
import { worthOf } from '../../revenue/customer-worth.ts'
import {
  revenueByParty,
  revenueByPeriod,
  revenueByProduct,
  revenueBySource,
} from '../../revenue/revenue-rows.ts'
import { statementOf } from '../../revenue/statement.ts'
import { type Mount, query } from '../../serve.ts'
import { type TenantPermission, requireTenantPermission } from '../../tenant-access.ts'
import { isCustomerKey } from '../../../permissioned/audience.ts'
import type { OrderDeps } from './order-views.ts'

/** What a business took, of whom, and for whom: `commerce.getRevenue`, `getStatement` and
 *  `getCustomerHistory`. What parties earn is for those who manage what the tenant is paid. */
export function revenue(mount: Mount, deps: OrderDeps): void {
  const { sql, clock } = deps

  query(mount, co.kendev.commerce.getRevenue, async ({ params, viewer }) => {
    const { tenant, by, interval = 'month' } = params
    const isOpen = by === 'period' || by === 'product'
    await mayRead(deps, {
      tenant,
      viewer,
      permission: isOpen ? 'view_analytics' : 'manage_billing',
    })
    const { settings } = await storeOf(sql, tenant)
    const how = { interval: intervalOf(interval), timeZone: settings.timeZone ?? 'UTC' }
    const rows = {
      period: () => revenueByPeriod(sql, params, how),
      product: () => revenueByProduct(sql, params),
      source: () => revenueBySource(sql, params),
      party: () => revenueByParty(sql, params),
    }
    const of = Object.hasOwn(rows, by) ? rows[by as keyof typeof rows] : rows.period
    return { rows: await of() } as never
  })

  query(mount, co.kendev.commerce.getStatement, async ({ params, viewer }) => {
    const { tenant, account, party, currency, since, until } = params
    await mayRead(deps, { tenant, viewer, permission: 'manage_billing' })
    const statement = await statementOf(sql, params, params)
    const about = { account, party, currency, since, until }
    const said = Object.entries(about).filter(([, value]) => value !== undefined)
    return { ...Object.fromEntries(said), ...statement } as never
  })

  query(mount, co.kendev.commerce.getCustomerHistory, async ({ params, viewer }) => {
    const { tenant, customer: key } = params
    await mayRead(deps, { tenant, viewer, permission: 'view_analytics' })
    const { rows } = await sql.query<Row>(
      'select * from appview.customer where did = $1 and rkey = $2',
      [tenant, key],
    )
    if (!rows[0] || !isCustomerKey(key)) throw notFound(`customer ${key}`)
    const looking = { sql, origin: deps.origin, viewer: required(viewer).did }
    const [shown] = await present(customer, rows, looking)
    const place = audienceUri(tenant, key, TENANT_SPACE)
    const now = clock.now()
    const { orders, first, last, paid, churnBp } = await orderedBy(sql, { tenant, place, now })
    return {
      customer: shown,
      orders,
      ...(first && { firstOrderAt: first.toISOString() }),
      ...(last && { lastOrderAt: last.toISOString() }),
      monthlyChurnBp: churnBp,
      worth: paid.map((one) => worthOf(one, { first: first ?? now, now, churnBp })),
    } as never
  })
}

const INTERVALS = ['day', 'week', 'month', 'year']

function intervalOf(interval: string): string {
  return INTERVALS.includes(interval) ? interval : 'month'
}

async function mayRead(
  { sql }: OrderDeps,
  asks: { tenant: string; viewer: { did: string } | undefined; permission: TenantPermission },
): Promise<void> {
  const { tenant, viewer, permission } = asks
  const did = required(viewer as never).did
  await requireTenantPermission(sql, { tenant, did, permission, reads: true })
}
