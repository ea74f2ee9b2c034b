import type { Clock } from '../../clock.ts'
import type { Job, Jobs } from '../../jobs/jobs.ts'
import type { Log } from '../../log.ts'
import { expireReservation } from '../commerce/cancel-order.ts'
import type { At } from '../commerce/advance.ts'
import type { Change, ProviderTask } from '../commerce/change.ts'
import { completeAfterWindow } from '../commerce/fulfil-order.ts'
import type { OrderFile } from '../commerce/order-file.ts'
import { expirePayments } from '../commerce/take-payment.ts'
import type { PaymentEffect } from '../payments/receive-webhook.ts'
import type { Sql } from '../sql.ts'
import { type Writing, writeToGuest } from './guest-letters.ts'
import { ORDER_LETTER, PAYMENT_TASK } from './keep-change.ts'
import type { OrderAt } from './order-records.ts'
import { type Attempt, attemptByName, dueAttempts } from './payment-attempts.ts'
import { BY_HAND, type Paying, applyTo, askForPayment, carryOut, settle } from './provider-deeds.ts'

const DAY = 86_400_000
const AT_ONCE = 500

/** Begins what orders need of time: what was asked of providers is done and found out, reservations
 *  and authorizations end, and what nobody sent back is completed. */
export async function beginOrders(
  p: Paying & Writing,
  jobs: Pick<Jobs, 'work' | 'every'>,
): Promise<void> {
  await jobs.work(ORDER_LETTER, (data) => writeToGuest(p, data as never))
  await jobs.work(PAYMENT_TASK, (data) => doTask(p, data))
  await jobs.every('orders', '* * * * *', async () => {
    await reconcile(p)
    await sweepOrders(p)
  })
}

/** What an event of a provider brings about: the state of the payment is fetched and taken in. */
export function paymentEffect(p: Paying): PaymentEffect {
  return async (event, once) => {
    const attempt = await attemptByName(p.sql, event)
    const reference = event.reference ?? attempt?.reference
    if (!attempt || reference == null) return
    const said = await p.provider.fetch(reference)
    if (said) await settle(p, attempt, said, once)
  }
}

/** Finds out how payments ended that nobody has told of. */
export async function reconcile(p: Paying): Promise<void> {
  for (const attempt of await dueAttempts(p.sql, p.clock.now())) {
    if (attempt.provider === BY_HAND) continue
    await quietly(p, attempt, async () => {
      const { reference } = attempt
      const said = reference === null ? undefined : await p.provider.fetch(reference)
      if (said) await settle(p, attempt, said)
      else await askForPayment(p, attempt)
      for (const task of await openTasks(p.sql, attempt)) await carryOut(p, attempt, task)
    })
  }
}

/** What a provider has been asked for in vain so far: refunds, and letting go of what is held for
 *  an order that has ended. Each has the key it was asked for with. */
async function openTasks(sql: Sql, { tenant, place, payment }: Attempt): Promise<ProviderTask[]> {
  const { rows } = await sql.query<{ refund: string | null; amount: number }>(OPEN, [
    tenant,
    place,
    payment,
  ])
  return rows.map(({ refund, amount }) =>
    refund === null
      ? { ask: 'void', payment, amount, key: `void-${payment}` }
      : { ask: 'refund', payment, refund, amount, key: refund },
  )
}

const OPEN = `select r.rkey as refund, (r.content->>'amount')::float8 as amount
    from appview.refund r join appview.payment p on p.uri = r.payment and p.place = r.place
    where p.did = $1 and p.place = $2 and p.rkey = $3 and r.status = 'pending'
  union all
  select null, (p.content->>'amount')::float8
    from appview.payment p join appview."order" o on o.uri = p."order" and o.place = p.place
    where p.did = $1 and p.place = $2 and p.rkey = $3 and p.status = 'authorized'
      and o.status in ('cancelled', 'refunded')`

/** Does what time does to orders. Doing it twice, or in two processes at once, changes nothing. */
export async function sweepOrders(p: Pick<Paying, 'sql' | 'transact' | 'clock' | 'log'>) {
  const now = p.clock.now()
  await each(p, RESERVED, [now], expireReservation)
  await each(p, AUTHORIZED, [now], expirePayments)
  const { rows } = await p.sql.query<OrderAt & { days: number | null }>(DELIVERED, [now])
  for (const { days, ...at } of rows)
    await quietly(p, at, () =>
      applyTo(p, at, (file, when) => completeAfterWindow(file, when, (days ?? 14) * DAY)),
    )
}

/** Frees what is reserved in vain in one tenant, so that whoever asks now finds it. */
export function freeReserved(
  p: { sql: Sql; transact: Paying['transact']; clock: Clock; log: Log },
  tenant: string,
): Promise<void> {
  return each(p, `${RESERVED} and o.did = $2`, [p.clock.now(), tenant], expireReservation)
}

async function each(
  p: Pick<Paying, 'sql' | 'transact' | 'log'>,
  query: string,
  values: unknown[],
  command: (file: OrderFile, at: At) => Change,
): Promise<void> {
  const { rows } = await p.sql.query<OrderAt>(`${query} limit ${AT_ONCE}`, values)
  for (const at of rows) await quietly(p, at, () => applyTo(p, at, command))
}

const HERE = 'join node.tenant t on t.did = o.did'
const FIELDS = 'o.did as tenant, o.place, o.rkey'

const RESERVED = `select ${FIELDS} from appview."order" o ${HERE}
  where o.status = 'pending' and o."reservedUntil" <= $1`

const AUTHORIZED = `select distinct ${FIELDS} from appview.payment p
  join appview."order" o on o.uri = p."order" ${HERE}
  where p.status = 'authorized' and p."expiresAt" <= $1`

/** The time to send back is the store's own. */
const DELIVERED = `select * from (
    select ${FIELDS}, o."deliveredAt", (s.content->>'returnWindowDays')::int as days
    from appview."order" o ${HERE}
    left join appview."storeSettings" s on s.did = o.did and s.rkey = 'self'
    where o.status = 'delivered') d
  where d."deliveredAt" + make_interval(days => coalesce(d.days, 14)) <= $1
  limit ${AT_ONCE}`

async function doTask(p: Paying, data: Job['data']): Promise<void> {
  const { tenant, place, rkey, ...task } = data as unknown as OrderAt & ProviderTask
  await carryOut(p, { tenant, place, rkey }, task)
}

async function quietly(
  { log }: Pick<Paying, 'log'>,
  { tenant, rkey }: OrderAt,
  does: () => Promise<void>,
): Promise<void> {
  try {
    await does()
  } catch (error) {
    log.warn({ tenant, order: rkey, err: error }, 'an order has to wait')
  }
}
