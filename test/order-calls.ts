import { ADDRESS, COMMERCE, OWNER, type OrderStage, SHOP } from './order-stage.ts'

/** An order as it is shown. */
export type Order = {
  uri: string
  orderNumber: string
  status: string
  paymentStatus: string
  fulfilmentStatus: string
  totalAmount: number
  taxAmount: number
  lineItems: { id: string; discount: number }[]
  nextStates: string[]
}
/** What paying answers. */
export type Paid = { order: Order; payment: { uri: string; status: string } }
/** What refunding answers. */
export type Refunded = { order: Order; refund: { uri: string; status: string; amount: number } }
/** An entry of the ledger as it is shown. */
export type Entry = {
  postings: { account: string; party?: string; amount: number }[]
  kind: string
}

/** Calls of methods about orders on a stage. */
export function orderCalls(stage: () => OrderStage) {
  const call = <T>(who: string | undefined, method: string, input: object) =>
    stage().as(who).call<T>(`${COMMERCE}.${method}`, input)
  const get = <T>(who: string | undefined, method: string, params: Record<string, string>) =>
    stage().as(who).get<T>(`${COMMERCE}.${method}`, params)
  return {
    call,
    get,
    checkout: (who: string | undefined, product: string, more: object = {}) =>
      call<{ order: Order; link?: string }>(who, 'checkout', {
        tenant: SHOP,
        lines: [{ product, quantity: 1 }],
        shippingAddress: ADDRESS,
        ...more,
      }),
    pay: (who: string | undefined, { uri }: { uri: string }, more: object = {}) =>
      call<Paid>(who, 'payOrder', { order: uri, method: 'credit_card', ...more }),
    /** What accounts have of an order; those with nothing are left out. */
    balances: async ({ uri }: { uri: string }) => {
      const { items } = await get<{ items: Entry[] }>(OWNER, 'listLedgerEntries', {
        tenant: SHOP,
        order: uri,
      })
      const sums = new Map<string, number>()
      for (const { account, amount } of items.flatMap(({ postings }) => postings))
        sums.set(account, (sums.get(account) ?? 0) + amount)
      return Object.fromEntries([...sums].filter(([, amount]) => amount !== 0))
    },
  }
}

/** The name of what a call is refused with, or `done`. */
export async function told(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'done',
    (error: { error?: string }) => error.error ?? 'thrown',
  )
}
