import type { Clock } from '../../clock.ts'
import type { Sql } from '../sql.ts'
import type { PaymentEvent, PaymentProvider, WebhookRequest } from './payment-provider.ts'

/** What an event of a provider brings about. It fetches the payment's state, and calls `once` in
 *  the transaction of its effect: false says that the event has had its effect before, so there is
 *  nothing to do. Throwing has the provider send the event again. */
export type PaymentEffect = (
  event: PaymentEvent & { readonly provider: string },
  once: (tx: Sql) => Promise<boolean>,
) => Promise<void>

/** How the sender of a webhook is answered. */
export type WebhookAnswer = { readonly status: 200 | 400 | 404; readonly text: string }

/** What receiving needs. */
export type Receiving = {
  readonly sql: Sql
  readonly providers: readonly PaymentProvider[]
  readonly effect: PaymentEffect
  readonly clock: Clock
}

/** How long ids of events are kept at least (`domain.md` §11.5). */
const KEPT_DAYS = 35
const ID_MAX = 255

/** Takes in a webhook: believed only with the provider's signature on the bytes as they came, and
 *  taken as done when it has been. Events about payments that nobody here knows are noted too. */
export async function receiveWebhook(
  { sql, providers, effect, clock }: Receiving,
  name: string,
  request: WebhookRequest,
): Promise<WebhookAnswer> {
  const provider = providers.find((one) => one.name === name)
  if (!provider) return { status: 404, text: 'This node has no such payment provider.' }
  const reading = provider.readWebhook(request)
  if ('refusal' in reading) return { status: 400, text: reading.refusal }
  const event = { ...reading.event, provider: name }
  if (event.id === '' || event.id.length > ID_MAX) return { status: 400, text: 'Malformed' }
  const once = (tx: Sql) => note(tx, event, clock.now())
  if (await isNoted(sql, event)) return { status: 200, text: 'known' }
  if (event.kind !== 'other') await effect(event, once)
  await once(sql)
  return { status: 200, text: 'received' }
}

/** Forgets ids of events that no provider sends any more. */
export async function forgetOldEvents(sql: Sql, now: Date): Promise<void> {
  const before = new Date(now.getTime() - KEPT_DAYS * 86_400_000)
  await sql.query('delete from node."paymentEvent" where "receivedAt" < $1', [before])
}

type Named = Pick<PaymentEvent, 'id' | 'kind' | 'reference'> & { readonly provider: string }

async function note(tx: Sql, event: Named, now: Date): Promise<boolean> {
  const { provider, id, kind, reference } = event
  const { rowCount } = await tx.query(
    `insert into node."paymentEvent" (provider, id, kind, reference, "receivedAt")
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [provider, id, kind, reference ?? null, now],
  )
  return rowCount === 1
}

async function isNoted(sql: Sql, { provider, id }: Named): Promise<boolean> {
  const { rows } = await sql.query(
    'select 1 from node."paymentEvent" where provider = $1 and id = $2',
    [provider, id],
  )
  return rows.length > 0
}
