import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { guestProcedure, type Mount } from '../../serve.ts'
import { requireOpen } from '../../tenant-access.ts'
import { findDiscount, findGoods, storeOf, usesOf } from '../../orders/find-goods.ts'
import { discountOf } from '../../catalogue/discount.ts'
import { linkTo, staffRole } from '../../orders/order-access.ts'
import { freeReserved } from '../../orders/order-clocks.ts'
import type { OrderRecord } from '../../orders/order-records.ts'
import { decideOrder } from '../../orders/place.ts'
import { priceGoods } from '../../orders/price-goods.ts'
import { type OrderDeps, orderView } from './order-views.ts'

/** `commerce.priceCart` and `commerce.checkout`, for customers of any node, guests, and the staff
 *  on behalf of somebody. */
export function checkout(mount: Mount, deps: OrderDeps): void {
  guestProcedure(mount, co.kendev.commerce.priceCart, async ({ input }) => {
    return (await cartOf(deps, input)) as never
  })

  guestProcedure(mount, co.kendev.commerce.checkout, async (call) => {
    const { input, viewer, idempotencyKey } = call
    const { tenant } = input
    const store = await storeOf(deps.sql, tenant)
    requireOpen(store.tenant)
    const buyer = await buyerOf(deps, input, viewer?.did)
    requirePayLater(store, input.payLater, buyer.isStaff)
    await freeReserved(deps, tenant)
    const action = co.kendev.commerce.checkout.$lxm
    const caller = viewer?.did ?? ''
    const once = { caller, method: action, key: idempotencyKey, input }
    const placed = await deps.transact({ tenant, once }, async (d) => {
      const goods = await findGoods(d.tx, tenant, input.lines)
      return decideOrder(d, {
        store,
        goods,
        who: buyer.who,
        by: { actor: viewer?.did ?? tenant, role: buyer.role, action },
        discountCode: input.discountCode,
        shippingMethod: input.shippingMethod,
        expectedTotal: input.expectedTotal,
        payLater: input.payLater,
        source: input.source,
        seller: input.seller,
        more: recordOf(input),
      })
    })
    const view = await orderView(deps, placed.order, viewer?.did)
    const link = 'email' in buyer.who ? linkTo(deps, placed) : undefined
    return { order: view, ...(link !== undefined && { link }) } as never
  })
}

type Input = Parameters<
  Parameters<typeof guestProcedure<typeof co.kendev.commerce.checkout.main>>[2]
>[0]['input']
type Cart = Pick<Input, 'tenant' | 'lines' | 'discountCode' | 'shippingMethod' | 'shippingAddress'>

async function cartOf(deps: OrderDeps, { tenant, lines, discountCode, ...how }: Cart) {
  const { sql, clock } = deps
  const store = await storeOf(sql, tenant)
  const goods = await findGoods(sql, tenant, lines)
  const found =
    discountCode === undefined ? undefined : await findDiscount(sql, tenant, discountCode)
  const uses = found && (await usesOf(sql, { tenant, code: found.code }))
  const priced = priceGoods(store, goods, {
    address: how.shippingAddress,
    shippingMethod: how.shippingMethod,
    ...(found && {
      discountOf: (subtotal: number, currency: string) => {
        const off = discountOf(found.discount, { subtotal, currency, now: clock.now(), ...uses! })
        if ('amount' in off) return off.amount
        throw new InvalidRequestError(
          `The discount ${found.code} does not count here.`,
          off.refused,
        )
      },
    }),
  })
  const { totals, currency, offers } = priced
  const left = await availableOf(deps, tenant, priced.lines)
  return {
    currency,
    lines: priced.lines.map(({ productSnapshot, stockItem, ...line }) => {
      const { product, variant, quantity, unitPrice, totalPrice, discount, taxBp, tax } = line
      const told = { product, quantity, unitPrice, totalPrice, discount, taxBp, tax }
      const available = stockItem === undefined ? undefined : Math.max(0, left.get(stockItem) ?? 0)
      return {
        ...told,
        ...(variant !== undefined && { variant }),
        title: productSnapshot.title,
        ...(available !== undefined && { available }),
      }
    }),
    subtotal: totals.subtotal,
    discountAmount: totals.discount,
    taxAmount: totals.tax,
    shippingAmount: totals.shipping,
    totalAmount: totals.total,
    shippingOffers: offers,
  }
}

async function availableOf(
  { sql }: OrderDeps,
  tenant: string,
  lines: readonly { stockItem?: string | undefined }[],
): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ item: string; left: number }>(
    `select item, "onHand" - reserved - allocated + "backorderLimit" as left from repo.stock
     where tenant = $1 and item = any($2)`,
    [tenant, lines.flatMap(({ stockItem }) => stockItem ?? [])],
  )
  return new Map(rows.map(({ item, left }) => [item, left]))
}

/** Who buys: the caller, whoever the staff orders for, or a guest. */
async function buyerOf(deps: OrderDeps, input: Input, viewer: string | undefined) {
  const { contact, tenant } = input
  const known = { ...(contact?.name !== undefined && { name: contact.name }) }
  const email = contact?.email?.trim()
  const role = viewer === undefined ? undefined : await staffRole(deps.sql, tenant, viewer)
  const isStaff = role !== undefined
  const isForOther = input.customer !== undefined && input.customer !== viewer
  const isForStaff = isForOther || input.source !== undefined || input.seller !== undefined
  if (!isStaff && isForStaff)
    throw new ForbiddenError('Only the staff of the shop says this. Leave it out.', 'Forbidden')
  if (isStaff && input.customer !== undefined)
    return { who: { did: input.customer, ...known }, role, isStaff }
  if (isStaff && email) return { who: { email, ...known }, role, isStaff }
  if (viewer !== undefined)
    return { who: { did: viewer, ...known }, role: role ?? 'customer', isStaff }
  if (email && email.includes('@')) return { who: { email, ...known }, role: 'guest', isStaff }
  throw new InvalidRequestError('Leave an address for letters, or sign in.', 'ContactMissing')
}

function requirePayLater(
  { settings }: Awaited<ReturnType<typeof storeOf>>,
  payLater: boolean | undefined,
  isStaff: boolean,
): void {
  if (!payLater || settings.payLater || isStaff) return
  throw new InvalidRequestError(
    'This store prepares orders only when they are paid. Leave payLater out.',
    'PayLaterRefused',
  )
}

function recordOf(input: Input): Partial<OrderRecord> {
  const { contact, shippingAddress, billingAddress, customerNotes } = input
  return {
    ...(contact && { contact }),
    ...(shippingAddress && { shippingAddress }),
    ...(billingAddress && { billingAddress }),
    ...(customerNotes !== undefined && { customerNotes }),
  }
}
