import type { Clock } from '../../clock.ts'
import type { PaymentProvider } from '../billing-provider.ts'
import type { Sql } from '../sql.ts'

/** What taking payments needs. */
export type Charging = {
  readonly sql: Sql
  readonly clock: Clock
  readonly payments: PaymentProvider
}

/** Who pays for which period of a subscription. */
export type Due = {
  readonly space: string
  readonly did: string
  /** Names the period; it is paid for once, whoever asks how often. */
  readonly period: string
  readonly amount: number
  readonly currency: string
  readonly isRenewal: boolean
  /** Which try this is; the next one when left out. A try that was declined stays so. */
  readonly attempt?: number
}

type Kept = { attempt: number; status: 'pending' | 'paid' | 'declined'; reference: string | null }

/**
 * Takes what is due for a period, once: what is meant is kept before the provider is asked, under a
 * key the provider knows the payment by, and the database has at most one payment of a period that
 * is not declined. Whether it is paid.
 */
export async function chargeOnce(c: Charging, due: Due): Promise<boolean> {
  const { space, did, period, amount, currency, isRenewal } = due
  if (amount === 0) return true
  const { rows: before } = await c.sql.query<Kept>(OF_PERIOD, [space, did, period])
  const attempt = due.attempt ?? 1 + Math.max(0, ...before.map((one) => one.attempt))
  const now = c.clock.now()
  await c.sql.query(KEEP, [space, did, period, attempt, amount, currency, now])
  const { rows } = await c.sql.query<Kept>(OF_PERIOD, [space, did, period])
  const open = rows.find(({ status }) => status !== 'declined')
  if (!open) return false
  if (open.status === 'paid') return true
  const { rows: payers } = await c.sql.query<{ customer: string; method: string | null }>(
    'select customer, method from node."memberPayment" where space = $1 and did = $2',
    [space, did],
  )
  const { customer, method } = payers[0]!
  const key = `${space} ${did} ${period} ${open.attempt}`
  const wish = { key, customer, method: method ?? undefined, amount, currency, isRenewal }
  const { status, reference } = await c.payments.charge(wish)
  await c.sql.query(SETTLE, [space, did, period, open.attempt, status, reference])
  return status === 'paid'
}

const OF_PERIOD = `select attempt, status, reference from node.charge
  where space = $1 and did = $2 and period = $3`
const KEEP = `insert into node.charge
    (space, did, period, attempt, amount, currency, status, "createdAt")
  values ($1, $2, $3, $4, $5, $6, 'pending', $7) on conflict do nothing`
const SETTLE = `update node.charge set status = $5, reference = $6
  where space = $1 and did = $2 and period = $3 and attempt = $4 and status = 'pending'`

/** Notes who pays, and how from now on. */
export async function keepPayer(
  { sql, payments }: Charging,
  { space, did, method }: { space: string; did: string; method: string | undefined },
): Promise<void> {
  const customer = await payments.createCustomer({ key: `${space} ${did}`, name: did })
  await sql.query(
    `insert into node."memberPayment" as p (space, did, customer, method) values ($1, $2, $3, $4)
     on conflict (space, did) do update set method = coalesce(excluded.method, p.method)`,
    [space, did, customer, method ?? null],
  )
}

/** What somebody has paid a space, in minor units. */
export async function netPaid(sql: Sql, space: string, did: string): Promise<number> {
  const { rows } = await sql.query<{ paid: number }>(
    `select coalesce(sum(amount), 0)::float8 as paid from node.charge
     where space = $1 and did = $2 and status = 'paid'`,
    [space, did],
  )
  return rows[0]!.paid
}
