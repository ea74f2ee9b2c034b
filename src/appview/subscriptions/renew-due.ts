import type { Log } from '../../log.ts'
import type { Row } from '../define.ts'
import { chargeOnce } from './charge.ts'
import { renew } from './subscribe.ts'
import { type Terms, attemptOn, dueStep } from '../collections/spaces/subscription-terms.ts'
import { type By, type Held, type Subscribing, contentOf, writeSubscription } from './write.ts'

const AT_ONCE = 500

/** Does what time does to the subscriptions of the spaces of this node: pays for the next period,
 *  ends what is to end, or was not paid for in the days of grace, or whose holder is no member any
 *  more. Doing it twice, or in two processes at once, pays nothing twice (`domain.md` SM-10). */
export async function renewDue(s: Subscribing & { readonly log: Log }): Promise<void> {
  const { rows } = await s.sql.query<Row & { isMember: boolean }>(DUE, [s.clock.now()])
  for (const { isMember, ...row } of rows) {
    const held = { space: row.did, did: String(row['subject']), row: row as Row }
    try {
      await step(s, held, isMember)
    } catch (error) {
      s.log.warn({ space: held.space, err: error }, 'a subscription has to wait')
    }
  }
}

const DUE = `select * from (
    select t.*, exists (select 1 from appview.membership m where m.did = t.did
      and m.subject = t.subject and m.active and m.status = 'active') as "isMember"
    from appview.subscription t
    where t.status in ('trialing', 'active', 'past_due', 'paused')
      and exists (select 1 from repo.space h where h.authority = t.did)) t
  where not "isMember" or status = 'past_due' or "currentPeriodEnd" <= $1
  order by "currentPeriodEnd", uri limit ${AT_ONCE}`

async function step(s: Subscribing, held: Held, isMember: boolean): Promise<void> {
  const { space, did } = held
  const row = held.row!
  const old = contentOf(row)
  const now = s.clock.now()
  const by: By = { actor: space, role: 'clock', action: 'renewSubscription' }
  const due = isMember ? dueStep(row as unknown as Terms, now) : 'end'
  if (due === undefined) return
  if (due === 'end') {
    await writeSubscription(s, held, { ...old, status: 'canceled' }, { ...by, told: 'has ended' })
    return
  }
  const { amount, currency, currentPeriodEnd = '' } = old
  const attempt = attemptOn(new Date(currentPeriodEnd), now)
  const wish = { space, did, period: `after ${currentPeriodEnd}`, amount, currency, attempt }
  if (await chargeOnce(s, { ...wish, isRenewal: true })) {
    await renew(s, held, by)
    return
  }
  if (old.status === 'past_due') return
  const late = { ...old, status: 'past_due', pastDueSince: old.currentPeriodEnd! }
  await writeSubscription(s, held, late, { ...by, told: 'could not be paid for' })
}
