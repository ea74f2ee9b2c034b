import type { Payment as ProviderPayment } from '../payments/payment-provider.ts'
import type { Sql } from '../sql.ts'
import type { OrderAt } from './order-records.ts'

/** What the node alone knows of a payment: kept before the provider is asked, so that whatever
 *  happens then it can be found out how it ended. */
export type Attempt = OrderAt & {
  /** Key of the payment's record. */
  readonly payment: string
  readonly provider: string
  /** What the provider knows the attempt by. */
  readonly key: string
  readonly amount: number
  readonly currency: string
  /** What the provider gave the payer's client. */
  readonly method: string | null
  readonly capture: boolean
  /** Number of the order, which the payer reads. */
  readonly number: string
  readonly reference: string | null
  readonly tries: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const AT_ONCE = 100

/** Keeps an attempt, to be looked after until its end is known. */
export async function keepAttempt(
  tx: Sql,
  attempt: Omit<Attempt, 'reference' | 'tries'>,
  now: Date,
): Promise<void> {
  const { tenant, place, rkey, payment, provider, key, amount, currency, method } = attempt
  const { capture, number } = attempt
  await tx.query(KEEP, [
    tenant,
    place,
    rkey,
    payment,
    provider,
    key,
    amount,
    currency,
    method,
    capture,
    number,
    new Date(now.getTime() + MINUTE),
  ])
}

const KEEP = `insert into node."paymentAttempt" (tenant, place, rkey, payment, provider, key,
    amount, currency, method, capture, number, "lookAt")
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`

const ATTEMPT = `tenant, place, rkey, payment, provider, key, amount::float8 as amount, currency,
  method, capture, number, reference, tries`

/** The attempt of a payment; undefined for one that this node knows nothing of. */
export async function attemptOf(
  sql: Sql,
  { tenant, place }: OrderAt,
  payment: string,
): Promise<Attempt | undefined> {
  const { rows } = await sql.query<Attempt>(
    `select ${ATTEMPT} from node."paymentAttempt"
     where tenant = $1 and place = $2 and payment = $3`,
    [tenant, place, payment],
  )
  return rows[0]
}

/** The attempt an event of a provider is about. */
export async function attemptByName(
  sql: Sql,
  event: { provider: string; reference?: string | undefined; key?: string | undefined },
): Promise<Attempt | undefined> {
  const { rows } = await sql.query<Attempt>(
    `select ${ATTEMPT} from node."paymentAttempt"
     where provider = $1 and (reference = $2 or key = $3) limit 1`,
    [event.provider, event.reference ?? null, event.key ?? null],
  )
  return rows[0]
}

/** Notes what the provider calls the payment, and when it is to be looked at again: never for one
 *  of which all has ended. */
export async function noteReference(
  tx: Sql,
  { tenant, place, payment }: Attempt,
  said: ProviderPayment,
  lookAt: Date | null,
): Promise<void> {
  await tx.query(
    `update node."paymentAttempt" set reference = $4, last4 = coalesce($5, last4),
       "lookAt" = case when $6::timestamptz is not null then coalesce("lookAt", $6) end
     where tenant = $1 and place = $2 and payment = $3`,
    [tenant, place, payment, said.reference, said.last4 ?? null, lookAt],
  )
}

/** Has an attempt looked at again soon: something was asked of it whose end is not known. */
export async function watch(
  tx: Sql,
  { tenant, place }: OrderAt,
  payment: string,
  now: Date,
): Promise<void> {
  await tx.query(
    `update node."paymentAttempt" set "lookAt" = $4, tries = 0
     where tenant = $1 and place = $2 and payment = $3`,
    [tenant, place, payment, new Date(now.getTime() + MINUTE)],
  )
}

/** Attempts whose end is to be found out now; each is looked at later and later. */
export async function dueAttempts(sql: Sql, now: Date): Promise<Attempt[]> {
  const { rows } = await sql.query<Attempt>(
    `select ${ATTEMPT} from node."paymentAttempt" where "lookAt" <= $1
     order by "lookAt" limit ${AT_ONCE}`,
    [now],
  )
  for (const { tenant, place, payment, tries } of rows)
    await sql.query(
      `update node."paymentAttempt" set tries = tries + 1, "lookAt" = $4
       where tenant = $1 and place = $2 and payment = $3`,
      [tenant, place, payment, new Date(now.getTime() + Math.min(6 * HOUR, MINUTE * 2 ** tries))],
    )
  return rows
}
