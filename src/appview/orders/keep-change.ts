import type { Job } from '../../jobs/jobs.ts'
import type { Deciding, TenantWrite } from '../business/transact.ts'
import { ledgerEntry } from '../collections/commerce/ledger-entry.ts'
import type { Change, ProviderTask } from '../commerce/change.ts'
import type { Entry } from '../commerce/ledger.ts'
import { noticeJob } from '../notify.ts'
import type { Sql } from '../sql.ts'
import { changeStock } from '../stock/change-stock.ts'
import { seriesOf } from './find-goods.ts'
import { watch } from './payment-attempts.ts'
import { type KeptOrder, type OrderAt, managersOf, orderUri, orderWrites } from './order-records.ts'

/** What a change of an order brings about, for the decision that it is part of. */
export type Kept = { readonly writes: readonly TenantWrite[]; readonly jobs: readonly Job[] }

/** The queue of letters to guests about their orders. */
export const ORDER_LETTER = 'order-letter'

/** The queue of what a provider is to be asked for. */
export const PAYMENT_TASK = 'payment-task'

/** How long a job leaves it to the request that called for it to ask the provider. */
const HEAD_START_SECONDS = 10

/** Keeps what a command has done to an order that there was: its records, the ledger, the stock,
 *  who is told, and what the provider is asked for. Throws `InsufficientStock`. */
export async function keepChange(d: Deciding, kept: KeptOrder, change: Change): Promise<Kept> {
  const { at, record } = kept
  const order = orderUri(at)
  const stock = await moveStock(d, change, order)
  await giveDiscountBack(d, kept, change)
  const entries = change.entries.map((entry) => entryWrite(d, at, entry))
  const tasks = change.tasks.map((task) => taskJob(at, task))
  for (const task of change.tasks) await watch(d.tx, at, task.payment, d.now)
  const notices = await noticesOf(d, { at, record }, change)
  return {
    writes: [...orderWrites(kept, change.file, d.now), ...stock.writes, ...entries],
    jobs: [...stock.jobs, ...tasks, ...notices],
  }
}

/** Units of a refund that cannot be sold again are damaged; all else is sold, or comes back. */
async function moveStock(d: Deciding, { stock, entries }: Change, order: string) {
  const isBack = entries.some(({ kind }) => kind === 'refundPaid')
  const [lost, others] = [
    stock.filter(({ onHand }) => isBack && onHand < 0),
    stock.filter(({ onHand }) => !isBack || onHand >= 0),
  ]
  const moved = await changeStock(d, others, { order })
  const gone = await changeStock(d, lost, { order, reason: 'damaged' })
  return { writes: [...moved.writes, ...gone.writes], jobs: [...moved.jobs, ...gone.jobs] }
}

/** The entry as a record of the tenant's ledger. */
function entryWrite(
  d: Pick<Deciding, 'nextTid' | 'now'>,
  at: OrderAt,
  { postings, ...entry }: Entry,
): TenantWrite {
  const record = {
    ...entry,
    order: orderUri(at),
    postings: postings.map(({ account, party, amount }) => ({
      account,
      ...(party !== undefined && { party }),
      amount,
    })),
    createdAt: d.now.toISOString(),
  }
  const collection = ledgerEntry.nsid
  return { place: managersOf(at.tenant), collection, rkey: d.nextTid(), record }
}

function taskJob(at: OrderAt, task: ProviderTask): Job {
  return {
    queue: PAYMENT_TASK,
    key: `${at.tenant} ${task.key}`,
    data: { ...at, ...task },
    afterSeconds: HEAD_START_SECONDS,
  }
}

/** A code that was used for an order that came to nothing may be used again. */
async function giveDiscountBack(
  d: Deciding,
  { at, record, file }: KeptOrder,
  change: Change,
): Promise<void> {
  const isCancelled = change.file.order.status === 'cancelled' && file.order.status !== 'cancelled'
  if (!isCancelled || record.discountCode === undefined) return
  const customer = at.place.split('/').at(-1)!
  for (const series of [seriesOf(record.discountCode), seriesOf(record.discountCode, customer)]) {
    await d.tx.query(USED_ONCE, [d.tenant, series])
    await d.tx.query(USED_LESS, [d.tenant, series])
  }
}

const USED_ONCE = 'delete from repo.series where tenant = $1 and series = $2 and last = 1'
const USED_LESS = `update repo.series set last = last - 1
  where tenant = $1 and series = $2 and last > 1`

/** What happened, as people are told of it. */
const WORDS: Readonly<Record<string, string>> = {
  orderPlaced: 'is placed',
  orderConfirmed: 'is confirmed',
  orderPaid: 'is paid',
  orderCancelled: 'is cancelled',
  orderShipped: 'is on its way',
  orderDelivered: 'has arrived',
  orderRefunded: 'was paid back, whole or in part',
  paymentFailed: 'could not be paid for',
  paymentLate: 'was paid for after it had ended or too often: the money goes back',
  paymentExpired: 'was not charged in time: what the customer’s bank had held is free again',
  refundFailed: 'could not be paid back: see to it and try again',
}

async function noticesOf(
  d: Deciding,
  { at, record }: Pick<KeptOrder, 'at' | 'record'>,
  { notices }: Change,
): Promise<Job[]> {
  if (notices.length === 0) return []
  const staff = notices.some(({ to }) => to === 'staff') ? await staffOf(d.tx, d.tenant) : []
  const subject = orderUri(at)
  const { customer, orderNumber: number } = record
  const guest = customer === undefined ? letterJobs(d, { at, record }, notices) : []
  const people = notices.flatMap(({ kind, to }) => {
    const customers = customer === undefined ? [] : [customer]
    const data = { order: number, what: WORDS[kind] ?? kind }
    const told = to === 'staff' ? 'orderNews' : 'orderChanged'
    const key = `${subject} ${kind} ${d.now.toISOString()}`
    return (to === 'staff' ? staff : customers).map((recipient) =>
      noticeJob({ recipient, kind: told, key, subject, data }),
    )
  })
  return [...people, ...guest]
}

/** Guests have no list of notices, so they are written to: what, and with which link to come back,
 *  is found out when the letter is sent. */
function letterJobs(
  d: Deciding,
  { at, record }: Pick<KeptOrder, 'at' | 'record'>,
  notices: Change['notices'],
): Job[] {
  if (record.contact?.email === undefined) return []
  return notices
    .filter(({ to }) => to === 'customer')
    .map(({ kind }) => ({
      queue: ORDER_LETTER,
      key: `${orderUri(at)} ${kind} ${d.now.toISOString()}`,
      data: { ...at, what: WORDS[kind] ?? kind, at: d.now.toISOString() },
    }))
}

async function staffOf(sql: Sql, tenant: string): Promise<string[]> {
  const { rows } = await sql.query<{ subject: string }>(STAFF, [tenant])
  return rows.map(({ subject }) => subject)
}

const STAFF = {
  name: 'order-staff',
  text: `select subject from repo.admission where authority = $1 and status = 'active'
    and role in ('tenant_admin', 'tenant_manager')`,
}
