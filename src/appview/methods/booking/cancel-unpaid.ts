import { cancel } from '../../booking/appointment-change.ts'
import type { Transact } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { order as orders } from '../../collections/commerce/order.ts'
import type { Sql } from '../../sql.ts'
import { appointmentWrites, standingOf } from './appointment-records.ts'
import { freeUp } from './move-appointment.ts'
import { customerJob } from './tell-customer.ts'
import { waitlistJob } from './waitlist-offers.ts'

const REASON = 'Its order was not paid in time, or is cancelled.'
const AT_ONCE = 200

/** Cancels appointments to come whose orders are cancelled, among them those whose deposit was not
 *  paid in time (`domain.md` SM-01): their starts are free again. */
export async function cancelUnpaid(deps: { sql: Sql; transact: Transact }): Promise<void> {
  const { rows } = await deps.sql.query<{ tenant: string; rkey: string; place: string }>(UNPAID)
  for (const { tenant, ...at } of rows) {
    const by = { actor: tenant, role: 'system', action: 'cancel-unpaid', reason: REASON }
    await deps.transact({ tenant }, async (d) => {
      const standing = await standingOf(d, at)
      const { record: before, terms } = standing
      const nothing = { answer: {}, writes: [], by }
      if (!['scheduled', 'confirmed'].includes(before.status)) return nothing
      const how = { now: d.now.getTime(), by: 'system', reason: REASON } as const
      const record = cancel(before, how, 0)
      if (typeof record === 'string') return nothing
      await freeUp(d, standing)
      const writes = await appointmentWrites(d, standing, { record, terms })
      const freed = waitlistJob(tenant, record, d.nextTid())
      const jobs = [customerJob(standing, 'cancelled', `order ${record.sequence}`), freed]
      return { answer: {}, writes, jobs, by }
    })
  }
}

const UNPAID = `select a.did as tenant, a.rkey, a.place from appview."${appointments.table}" a
  join appview."${orders.table}" o on o.did = a.did and o.status = 'cancelled'
    and o.rkey = split_part(a.content->'payment'->>'order', '/', -1)
  where a.status in ('scheduled', 'confirmed') and a.content->'payment' ? 'order' limit ${AT_ONCE}`
