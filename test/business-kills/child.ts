import { NOTIFY, tell } from '../../src/appview/notify.ts'
import { beginOrders, paymentEffect, reconcile } from '../../src/appview/orders/order-clocks.ts'
import { receiveWebhook } from '../../src/appview/payments/receive-webhook.ts'
import { SANDBOX_EVENT, signEvent } from '../../src/appview/payments/sandbox-events.ts'
import { createSandbox } from '../../src/appview/payments/sandbox.ts'
import type { SqlPool } from '../../src/appview/sql.ts'
import { STOCK_CHANGED } from '../../src/appview/stock/stock-changed.ts'
import { beginBooking } from '../../src/appview/methods/booking/begin-booking.ts'
import { openPool } from '../../src/database/pool.ts'
import type { Jobs } from '../../src/jobs/jobs.ts'
import { createLog } from '../../src/log.ts'
import { pino } from 'pino'
import { businessNode } from '../business-node.ts'
import { type Crash, MortalPool } from './mortal-pool.ts'

/** What the child is told. */
export type Order =
  | { readonly kind: 'live'; readonly databaseUrl: string }
  | { readonly kind: 'crash'; readonly crash: Crash | undefined }
  /** Some time passes, and what is done now and then is done. */
  | { readonly kind: 'later'; readonly ms: number }

const SECRET = 'a secret of the sandbox'
const log = createLog({ level: 'warn', to: pino.destination({ dest: 2, sync: true }) })
let mortal: MortalPool | undefined
let ahead = 0
const clock = { now: () => new Date(Date.now() + ahead) }
let sweep = async (): Promise<void> => undefined

/** The business part of a node, with the jobs that its orders and bookings need. */
async function live(databaseUrl: string): Promise<void> {
  const database = openPool({ url: databaseUrl, max: 12, log })
  mortal = new MortalPool(database as unknown as SqlPool)
  const pool: SqlPool = mortal
  const node = await businessNode({
    pool,
    database,
    clock,
    log,
    more: ({ outbox }) => ({
      provider: createSandbox({ sql: pool, outbox, clock, secret: SECRET }),
    }),
    begin: async (deps) => {
      const jobs = deps.outbox as Jobs
      const paying = deps as never
      await beginOrders(paying, jobs)
      await beginBooking(jobs, { ...deps, sendMail: async () => {} } as never)
      sweep = () => reconcile(paying)
      await jobs.work(STOCK_CHANGED, async () => {})
      const telling = { ...deps, sendMail: async () => {}, emailOf: async () => undefined }
      await jobs.work(NOTIFY, (notice) => tell(telling as never, notice as never))
      const { provider } = deps as unknown as { provider: ReturnType<typeof createSandbox> }
      const receiving = { sql: pool, providers: [provider], effect: paymentEffect(paying), clock }
      await jobs.work(SANDBOX_EVENT, async (event) => {
        const request = signEvent(event, { secret: SECRET, now: clock.now() })
        await receiveWebhook(receiving, provider.name, request)
      })
    },
  })
  process.send?.({ url: node.url })
}

process.on('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  if (order.kind === 'crash') return mortal?.arm(order.crash)
  if (order.kind === 'later') {
    ahead += order.ms
    void sweep().then(() => process.send?.('swept'))
    return undefined
  }
  live(order.databaseUrl).catch((err: unknown) => {
    log.error({ err }, 'it cannot live')
    process.exit(1)
  })
})
process.send?.('loaded')
