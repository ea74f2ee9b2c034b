import type { Clock } from '../clock.ts'
import type { Outbox } from '../jobs/jobs.ts'
import { appendAudit } from './audit.ts'
import { noticeJob } from './notify.ts'
import { PAST_DUE_DAYS } from './plans.ts'
import type { Sql } from './sql.ts'
import type { Tenant } from './tenants.ts'

const DAY_MS = 86_400_000

/** Ends trials that are over and grace that is used up (`domain.md` N-06, N-12): who pays goes on,
 *  who does not is suspended, and can still read everything. Doing it twice changes nothing. */
export async function endOfTrials(t: { sql: Sql; outbox: Outbox; clock: Clock }): Promise<void> {
  const now = t.clock.now()
  const graceEnd = new Date(now.getTime() - PAST_DUE_DAYS * DAY_MS)
  const { rows } = await t.sql.query<Tenant>(
    `select * from node.tenant where (status = 'trial' and "trialEndsAt" <= $1)
       or (status = 'active' and "pastDueSince" <= $2)`,
    [now, graceEnd],
  )
  for (const tenant of rows) await end(t, tenant, now)
}

async function end(
  { outbox }: { outbox: Outbox },
  { id, did, name, owner, status, billing }: Tenant,
  now: Date,
): Promise<void> {
  const pays = status === 'trial' && billing.paymentStatus === 'current'
  const to = pays ? 'active' : 'suspended'
  const reason = status === 'trial' ? 'The trial is over.' : 'A payment is overdue.'
  await outbox.transact(async (tx, queue) => {
    const { rowCount } = await tx.query(
      'update node.tenant set status = $3, "updatedAt" = $4 where id = $1 and status = $2',
      [id, status, to, now],
    )
    if (rowCount !== 1 || did === null) return
    const event = { chain: did, subject: did, actor: did, role: 'clock', action: to, reason }
    await appendAudit(tx, { ...event, at: now })
    const data = { tenant: name, status: to, reason }
    const key = `${id} ${to} ${now.toISOString()}`
    const told = { recipient: owner, kind: 'tenantStatusChanged', key, data, subject: did }
    await queue(noticeJob(told))
  })
}
