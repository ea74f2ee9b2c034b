import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { PaymentProvider, WebhookRequest } from './appview/payments/payment-provider.ts'
import {
  type PaymentEffect,
  forgetOldEvents,
  receiveWebhook,
} from './appview/payments/receive-webhook.ts'
import { SANDBOX_EVENT, signEvent } from './appview/payments/sandbox-events.ts'
import { createSandbox } from './appview/payments/sandbox.ts'
import { createStripe } from './appview/payments/stripe.ts'
import { webhookRoutes } from './appview/payments/webhook-routes.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { SqlPool } from './database/sql.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Log } from './log.ts'

/** Who takes this node's payments, and how it hears of them. */
export type NodePayments = {
  readonly provider: PaymentProvider
  /** Where the provider sends its events. */
  readonly webhooks: ReturnType<typeof webhookRoutes>
  /** Says what events bring about; until then they are only noted. */
  onEvent(effect: PaymentEffect): void
  /** Begins to send what the sandbox has to send, and to forget old events. */
  begin(): Promise<void>
}

type Options = { config: Config; sql: SqlPool; jobs: Jobs; clock: Clock; log: Log }

/** Opens the provider that the settings name: Stripe when there is an account, else the sandbox. */
export async function openPayments(options: Options): Promise<NodePayments> {
  const { config, sql, jobs, clock, log } = options
  const stripe = await stripeOf(config, clock)
  // Only this process sends what it signs.
  const secret = randomBytes(32).toString('hex')
  const provider = stripe ?? createSandbox({ sql, outbox: jobs, clock, secret })
  if (!stripe && !config.development)
    log.warn('payments are made up: the sandbox takes no money. Give a Stripe account')
  let effect: PaymentEffect = async () => {}
  const receiving = {
    sql,
    providers: [provider],
    effect: (...told: Parameters<PaymentEffect>) => effect(...told),
    clock,
  }
  return {
    provider,
    webhooks: webhookRoutes({ ...receiving, log }),
    onEvent: (does) => void (effect = does),
    async begin() {
      await jobs.work(SANDBOX_EVENT, async (event) => {
        if (stripe) return
        const request: WebhookRequest = signEvent(event, { secret, now: clock.now() })
        const { status, text } = await receiveWebhook(receiving, provider.name, request)
        if (status !== 200) throw new Error(`an event of the sandbox was refused: ${text}`)
      })
      await jobs.every('payment-events', '40 3 * * *', () => forgetOldEvents(sql, clock.now()))
    },
  }
}

async function stripeOf(config: Config, clock: Clock): Promise<PaymentProvider | undefined> {
  const secretKey = await secretOf(
    config.ANGELOS_STRIPE_SECRET_KEY,
    config.ANGELOS_STRIPE_SECRET_KEY_FILE,
  )
  const webhookSecret = await secretOf(
    config.ANGELOS_STRIPE_WEBHOOK_SECRET,
    config.ANGELOS_STRIPE_WEBHOOK_SECRET_FILE,
  )
  if (secretKey === undefined || webhookSecret === undefined) return undefined
  return createStripe({ secretKey, webhookSecret, url: config.ANGELOS_STRIPE_URL }, clock)
}

async function secretOf(value?: string, file?: string): Promise<string | undefined> {
  return value ?? (file === undefined ? undefined : (await readFile(file, 'utf8')).trim())
}
