import { discount } from '../src/appview/collections/commerce/discount.ts'
import { storeSettings } from '../src/appview/collections/commerce/store-settings.ts'
import { product } from '../src/appview/collections/commerce/product.ts'
import { tenantSettings } from '../src/appview/collections/platform/tenant-settings.ts'
import {
  beginOrders,
  paymentEffect,
  reconcile,
  sweepOrders,
} from '../src/appview/orders/order-clocks.ts'
import type { PaymentProvider } from '../src/appview/payments/payment-provider.ts'
import type { RepoWriter } from '../src/appview/own-record.ts'
import { createSandbox } from '../src/appview/payments/sandbox.ts'
import { receiveWebhook } from '../src/appview/payments/receive-webhook.ts'
import { SANDBOX_EVENT, signEvent } from '../src/appview/payments/sandbox-events.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { changeStock } from '../src/appview/stock/change-stock.ts'
import { STOCK_CHANGED } from '../src/appview/stock/stock-changed.ts'
import type { Jobs } from '../src/jobs/jobs.ts'
import type { SendMail } from '../src/mail/mail.ts'
import { TENANT_SPACE, audienceUri } from '../src/permissioned/audience.ts'
import { type BusinessNode, businessNode, caller, foundBusiness } from './business-node.ts'
import { nativeDatabase } from './database/native.ts'

export const SHOP = 'did:plc:shop'
export const NODE = 'did:plc:node'
export const RIVAL = 'did:plc:rival'
export const [OWNER, MANAGER, MEMBER, BEN, CLEO, EVE] = [
  'did:plc:owner',
  'did:plc:manager',
  'did:plc:member',
  'did:plc:ben',
  'did:plc:cleo',
  'did:plc:eve',
] as const
export const COMMERCE = 'co.kendev.commerce'
export const ADDRESS = { name: 'Ben', address1: 'Road 1', city: 'Berlin', country: 'DE' }

type Person = ReturnType<typeof caller>

/** A shop that takes orders, through its methods. */
export type OrderStage = AsyncDisposable & {
  readonly node: BusinessNode
  now: Date
  /** Letters that were sent. */
  readonly letters: readonly Parameters<SendMail>[0][]
  as(did: string | undefined): Person
  /** Puts a product on sale and as many of it into stock; answers its uri. */
  sell(name: string, more?: object, onHand?: number): Promise<string>
  settings(more: object, tenant?: string): Promise<void>
  discount(code: string, record: object): Promise<void>
  /** What the platform has agreed with the shop. */
  sharing(revenueSharing: object): Promise<void>
  stock(name: string): Promise<{ onHand: number; reserved: number; allocated: number }>
  /** Finds out what providers have not told, and does what time does to orders. */
  sweep(): Promise<void>
}

/** Sets the stage: a shop with its owner, and a rival with its own. The sandbox takes payments
 *  unless another provider is given. */
export async function orderStage(provider?: PaymentProvider): Promise<OrderStage> {
  const database = await nativeDatabase()
  const pool = database.pool as unknown as SqlPool
  const state = { now: new Date('2026-11-27T12:00:00Z') }
  const clock = { now: () => state.now }
  const letters: Parameters<SendMail>[0][] = []
  const node = await businessNode({
    pool,
    database: database.pool as never,
    clock,
    more: ({ outbox }) => ({
      nodeAccount: () => Promise.resolve(NODE),
      provider: provider ?? createSandbox({ sql: pool, outbox, clock, secret: 'a secret' }),
    }),
    begin: async (deps) => {
      const jobs = deps.outbox as Jobs
      const paying = deps as never
      const sendMail: SendMail = async (letter) => void letters.push(letter)
      await beginOrders({ ...(deps as object), sendMail } as never, jobs)
      await jobs.work(STOCK_CHANGED, async () => {})
      await jobs.work('notify', async () => {})
      const { provider } = deps as unknown as { provider: ReturnType<typeof createSandbox> }
      const receiving = { sql: pool, providers: [provider], effect: paymentEffect(paying), clock }
      await jobs.work(SANDBOX_EVENT, async (event) => {
        const request = signEvent(event, { secret: 'a secret', now: clock.now() })
        await receiveWebhook(receiving, provider.name, request)
      })
    },
  })
  const staff = { [OWNER]: 'tenant_admin', [MANAGER]: 'tenant_manager', [MEMBER]: 'tenant_member' }
  await foundBusiness(node, SHOP, staff)
  await foundBusiness(node, RIVAL, { [EVE]: 'tenant_admin' })
  const writer = node.deps['writer'] as RepoWriter
  const nextTid = node.deps['nextTid'] as () => string
  const keys = new Map<string, string>()
  const stage: OrderStage = Object.assign(state, {
    node,
    letters,
    as: (did: string | undefined) => caller(node.url, did),
    sell: async (name: string, more: object = {}, onHand = 0) => {
      const key = nextTid()
      keys.set(name, key)
      const record = { ...offer(name), ...more }
      const at = { did: SHOP, collection: product.nsid, rkey: key }
      await writer.putRecord({ ...at, record })
      if (onHand > 0)
        await node.transact({ tenant: SHOP }, async (d) => {
          const changes = [{ item: key, onHand }]
          const { writes } = await changeStock(d, changes, { reason: 'received' })
          return { answer: null, writes, by }
        })
      return `at://${SHOP}/${product.nsid}/${key}`
    },
    settings: async (more: object, tenant: string = SHOP) => {
      const record = { currency: 'EUR', updatedAt: state.now.toISOString(), ...more }
      const place = audienceUri(tenant, 'staff', TENANT_SPACE)
      const write = { place, collection: storeSettings.nsid, rkey: 'self', record }
      await node.transact({ tenant }, async () => ({ answer: null, writes: [write], by }))
    },
    sharing: async (revenueSharing: object) => {
      const record = { revenueSharing, updatedAt: state.now.toISOString() }
      const place = audienceUri(SHOP, 'managers', TENANT_SPACE)
      const write = { place, collection: tenantSettings.nsid, rkey: 'self', record }
      await node.transact({ tenant: SHOP }, async () => ({ answer: null, writes: [write], by }))
    },
    discount: async (code: string, record: object) => {
      const place = audienceUri(SHOP, 'staff', TENANT_SPACE)
      const write = { place, collection: discount.nsid, rkey: code, record: { ...record } }
      await node.transact({ tenant: SHOP }, async () => ({ answer: null, writes: [write], by }))
    },
    stock: async (name: string) => {
      const { rows } = await pool.query<{ onHand: number; reserved: number; allocated: number }>(
        'select "onHand", reserved, allocated from repo.stock where tenant = $1 and item = $2',
        [SHOP, keys.get(name)],
      )
      return rows[0] ?? { onHand: 0, reserved: 0, allocated: 0 }
    },
    sweep: async () => {
      await reconcile(node.deps as never)
      await sweepOrders(node.deps as never)
    },
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]()
      await database.close()
    },
  })
  return stage
}

const by = { actor: OWNER, role: 'tenant_admin', action: 'test' }

/** A counted thing for 10.03 before tax. */
function offer(title: string) {
  return {
    title,
    productType: 'physical',
    pricing: { basePrice: 1_003, currency: 'EUR' },
    inventory: { trackQuantity: true },
    createdAt: '2026-11-23T10:00:00Z',
  }
}
