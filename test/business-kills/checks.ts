import { readOrder, type OrderAt } from '../../src/appview/orders/order-records.ts'
import type { Deciding } from '../../src/appview/business/transact.ts'
import { accountKey, balancesOf, type Posting } from '../../src/appview/commerce/ledger.ts'
import type { OrderFile } from '../../src/appview/commerce/order-file.ts'
import { stockOf } from '../../src/appview/commerce/stock.ts'
import { verifyAudit } from '../../src/appview/audit.ts'
import { decode } from '@atproto/lex-cbor'
import { type LexValue, lexToJson } from '@atproto/lex'
import type { SqlPool } from '../../src/database/sql.ts'
import { SHOP } from '../order-stage.ts'
import type { Customers } from './customers.ts'

type Rec = { place: string; rkey: string; value: Record<string, unknown> }

/** All records of a collection of the shop, as its repos have them. */
async function recordsOf(pool: SqlPool, collection: string): Promise<Rec[]> {
  const { rows } = await pool.query<{ space: string; rkey: string; bytes: Uint8Array }>(
    'select space, rkey, bytes from repo.record where did = $1 and collection = $2 order by rkey',
    [SHOP, collection],
  )
  return rows.map(({ space, rkey, bytes }) => ({
    place: space,
    rkey,
    value: lexToJson(decode(bytes) as LexValue) as Record<string, unknown>,
  }))
}

/** What an order is made of, as its repos have it. */
async function fileOf(pool: SqlPool, at: OrderAt): Promise<OrderFile> {
  const read: Deciding['read'] = async ({ place, collection, rkey }) => {
    const { rows } = await pool.query<{ cid: string; bytes: Uint8Array }>(
      'select cid, bytes from repo.record where space = $1 and did = $2 and collection = $3 and rkey = $4',
      [place, SHOP, collection, rkey],
    )
    if (!rows[0]) return undefined
    const record = lexToJson(decode(rows[0].bytes) as LexValue) as Record<string, unknown>
    return { cid: rows[0].cid, record }
  }
  const d = { tx: pool, tenant: SHOP, read, requireStored: () => {} }
  return (await readOrder(d as unknown as Deciding, at)).file
}

/** Everything that is not as it must be, after all that was asked has been answered: money, stock
 *  and numbers, told by records, guards and what the provider keeps. */
export async function wrongs(
  pool: SqlPool,
  customers: Customers,
  stocked: ReadonlyMap<string, number>,
): Promise<string[]> {
  const orders = await recordsOf(pool, 'co.kendev.commerce.order')
  const wrong = [...placedOnce(orders, customers), ...numbered(orders)]
  const entries = await recordsOf(pool, 'co.kendev.commerce.ledgerEntry')
  const movements = await recordsOf(pool, 'co.kendev.commerce.stockMovement')
  const promised = new Map<string, { reserved: number; allocated: number }>()
  const moved = new Map(stocked)
  for (const { place, rkey } of orders) {
    const file = await fileOf(pool, { tenant: SHOP, place, rkey })
    wrong.push(...ledgerWrongs(rkey, file, entries))
    wrong.push(...(await providerWrongs(pool, { place, rkey, file })))
    for (const [item, stock] of stockOf(file)) {
      const one = promised.get(item) ?? { reserved: 0, allocated: 0 }
      promised.set(item, {
        reserved: one.reserved + stock.reserved,
        allocated: one.allocated + stock.allocated,
      })
      moved.set(item, (moved.get(item) ?? 0) + stock.onHand)
    }
  }
  wrong.push(...(await stockWrongs(pool, { promised, moved, movements })))
  const audit = await verifyAudit(pool, SHOP)
  if (audit.brokenAt !== undefined) wrong.push(`the audit is broken at ${audit.brokenAt}`)
  wrong.push(...(await slotWrongs(pool, customers)))
  return [...wrong, ...(await untold(pool, orders))]
}

function placedOnce(orders: readonly Rec[], customers: Customers): string[] {
  const asked = customers.placed().map(({ order }) => order.uri.split('/').at(-1)!)
  const there = orders.map(({ rkey }) => rkey)
  return [
    ...asked.filter((key) => !there.includes(key)).map((key) => `order ${key} is lost`),
    ...there.filter((key) => !asked.includes(key)).map((key) => `order ${key} was placed twice`),
    ...(new Set(asked).size < asked.length ? ['one order was answered for two'] : []),
  ]
}

function numbered(orders: readonly Rec[]): string[] {
  const numbers = orders
    .map(({ value }) => Number(String(value['orderNumber']).slice(-6)))
    .toSorted((a, b) => a - b)
  const gap = numbers.findIndex((number, n) => number !== n + 1)
  return gap === -1 ? [] : [`the numbers have a gap or a double at ${gap + 1}: ${numbers[gap]}`]
}

function ledgerWrongs(order: string, file: OrderFile, entries: readonly Rec[]): string[] {
  const own = entries.filter(({ value }) => String(value['order']).endsWith(`/${order}`))
  const sums = new Map<string, number>()
  for (const { value } of own) {
    const postings = value['postings'] as Posting[]
    const sum = postings.reduce((all, { amount }) => all + amount, 0)
    if (sum !== 0) return [`an entry of order ${order} does not balance: ${sum}`]
    for (const one of postings)
      sums.set(accountKey(one), (sums.get(accountKey(one)) ?? 0) + one.amount)
  }
  return [...new Set([...sums.keys(), ...balancesOf(file).keys()])].flatMap((account) => {
    const [is, due] = [sums.get(account) ?? 0, balancesOf(file).get(account)?.amount ?? 0]
    return is === due ? [] : [`order ${order} has ${is} on ${account}, not ${due}`]
  })
}

type Kept = {
  key: string
  amount: number
  captured?: number
  lost?: boolean
  refunds: { key: string; amount: number }[]
}

/** What the provider has of an order is what the order says. */
async function providerWrongs(
  pool: SqlPool,
  { place, rkey, file }: { place: string; rkey: string; file: OrderFile },
): Promise<string[]> {
  const { rows } = await pool.query<{ payment: string; kept: Kept | null }>(
    `select a.payment, s.payment as kept from node."paymentAttempt" a
     left join node."sandboxPayment" s on s.payment->>'key' = a.key
     where a.tenant = $1 and a.place = $2 and a.rkey = $3`,
    [SHOP, place, rkey],
  )
  return rows.flatMap(({ payment, kept }) => {
    const ours = file.payments.find(({ id }) => id === payment)
    if (!ours) return [`payment ${payment} of order ${rkey} has no record`]
    const back = file.refunds.filter((one) => one.payment === payment)
    const given = kept?.refunds ?? []
    const wrong: string[] = []
    if (ours.capturedAt !== undefined && (!kept || kept.lost))
      wrong.push(`payment ${payment} says it was captured, the provider knows nothing`)
    const [said, done] = [back.filter(({ status }) => status === 'succeeded'), given]
    const [a, b] = [said, done].map((list) => list.reduce((sum, { amount }) => sum + amount, 0))
    if (a !== b)
      wrong.push(`payment ${payment} of ${rkey}: ${a} was given back, the provider: ${b}`)
    if (new Set(given.map(({ key }) => key)).size < given.length)
      wrong.push(`payment ${payment} was given back twice by one key`)
    return wrong
  })
}

async function stockWrongs(
  pool: SqlPool,
  told: {
    promised: ReadonlyMap<string, { reserved: number; allocated: number }>
    moved: ReadonlyMap<string, number>
    movements: readonly Rec[]
  },
): Promise<string[]> {
  const { rows } = await pool.query<{
    item: string
    onHand: number
    reserved: number
    allocated: number
  }>('select item, "onHand", reserved, allocated from repo.stock where tenant = $1', [SHOP])
  return rows.flatMap(({ item, onHand, reserved, allocated }) => {
    const sum = told.movements
      .filter(({ value }) => value['item'] === item)
      .reduce((all, { value }) => all + Number(value['delta']), 0)
    const due = told.promised.get(item) ?? { reserved: 0, allocated: 0 }
    const is = `${onHand} on hand, ${reserved} reserved, ${allocated} allocated`
    const right =
      sum === onHand &&
      told.moved.get(item) === onHand &&
      due.reserved === reserved &&
      due.allocated === allocated
    if (right) return []
    return [
      `${item}: ${is}; by movements ${sum}, by orders ${told.moved.get(item)} and ` +
        `${due.reserved} reserved, ${due.allocated} allocated`,
    ]
  })
}

type Busy = { booking: string; resource: string; from: Date; to: Date }

/** Each appointment that stands has its time, at a bay and of a person, and nothing else is
 *  taken. */
async function slotWrongs(pool: SqlPool, customers: Customers): Promise<string[]> {
  const all = await recordsOf(pool, 'co.kendev.booking.appointment')
  const asked = new Set(customers.booked().map(({ uri }) => uri.split('/').at(-1)!))
  const { rows } = await pool.query<Busy>(
    `select booking, resource, lower(during) as "from", upper(during) as "to" from repo.busy
     where tenant = $1 and kind = 'core' and "holdUntil" is null`,
    [SHOP],
  )
  const taken = Map.groupBy(rows, ({ booking }) => booking)
  const standing = all.filter(({ value }) => value['status'] !== 'cancelled')
  const keys = new Set(standing.map(({ rkey }) => rkey))
  return [
    ...[...asked].filter((key) => !all.some(({ rkey }) => rkey === key)).map((k) => `${k} is lost`),
    ...all.filter(({ rkey }) => !asked.has(rkey)).map(({ rkey }) => `${rkey} was booked twice`),
    ...[...taken.keys()].filter((key) => !keys.has(key)).map((k) => `${k} takes time for nothing`),
    ...standing.flatMap(({ rkey, value }) => {
      const own = taken.get(rkey) ?? []
      const kinds = own
        .map(({ resource }) => resource.split(':')[0]!)
        .toSorted((a, b) => a.localeCompare(b))
      const right = own.every(
        ({ from, to }) =>
          from.getTime() === Date.parse(String(value['startTime'])) &&
          to.getTime() === Date.parse(String(value['endTime'])),
      )
      return right && kinds.join() === 'bay,staff'
        ? []
        : [`${rkey} has not its time: ${kinds.join()}`]
    }),
  ]
}

/** Each order that was placed has been told of, once. */
async function untold(pool: SqlPool, orders: readonly Rec[]): Promise<string[]> {
  const { rows } = await pool.query<{ subject: string }>(
    `select subject from node.notification where kind = 'orderChanged'`,
  )
  const told = new Set(rows.map(({ subject }) => subject.split('/').at(-1)))
  return orders.filter(({ rkey }) => !told.has(rkey)).map(({ rkey }) => `nobody heard of ${rkey}`)
}
