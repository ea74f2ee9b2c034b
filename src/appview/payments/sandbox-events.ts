import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Job } from '../../jobs/jobs.ts'
import type { PaymentEvent, WebhookReading, WebhookRequest } from './payment-provider.ts'
import { type Kept, SETTLES_MS, digest, methodOf } from './sandbox-state.ts'

/** The queue of events that the sandbox is to send. */
export const SANDBOX_EVENT = 'sandbox-event'

const TOLERANCE_MS = 5 * 60_000
const LATE_SECONDS = 4
const HEADER = 'sandbox-signature'

/** An event as the sandbox sends it. */
type Sent = { id: string; type: string; reference: string; key: string }

/** The jobs that send what has happened to a payment; `deed` tells it from all others. */
export function eventsOf(kept: Kept, deed: string, ...types: readonly string[]): Job[] {
  const { delays, disordered, copies = 1 } = methodOf(kept.method)
  const waits = (delays === 'payment' && deed === 'made') || (delays === 'refund' && isRefund(deed))
  return types.flatMap((type, at) => {
    const { reference, key } = kept
    const id = `sandbox_event_${digest(`${reference} ${deed} ${type}`)}`
    const sent: Sent = { id, type, reference, key }
    const late = disordered && at < types.length - 1 ? LATE_SECONDS : 0
    const afterSeconds = (waits ? SETTLES_MS / 1_000 : 0) + late
    return Array.from({ length: copies }, (_, copy) => ({
      queue: SANDBOX_EVENT,
      key: `${id} ${copy}`,
      data: sent,
      afterSeconds,
    }))
  })
}

/** The event as a webhook: its bytes, and the header that says who sent them. */
export function signEvent(
  event: Readonly<Record<string, unknown>>,
  { secret, now }: { secret: string; now: Date },
): WebhookRequest {
  const raw = Buffer.from(JSON.stringify(event))
  const at = now.getTime()
  const signature = `t=${at},v1=${macOf(raw, { secret, at }).toString('hex')}`
  return { raw, header: (name) => (name === HEADER ? signature : undefined) }
}

/** What a webhook of the sandbox says. */
export function readEvent(
  { raw, header }: WebhookRequest,
  { secret, clock }: { secret: string; clock: Clock },
): WebhookReading {
  const match = /^t=(\d{1,15}),v1=([0-9a-f]{64})$/.exec(header(HEADER) ?? '')
  if (!match) return { refusal: 'BadSignature' }
  const at = Number(match[1])
  const mac = macOf(raw, { secret, at })
  if (!timingSafeEqual(mac, Buffer.from(match[2]!, 'hex'))) return { refusal: 'BadSignature' }
  if (Math.abs(clock.now().getTime() - at) > TOLERANCE_MS) return { refusal: 'TooOld' }
  const { id, type, reference, key } = JSON.parse(Buffer.from(raw).toString()) as Sent
  const kind: PaymentEvent['kind'] = isRefund(type) ? 'refund' : 'payment'
  return { event: { id, kind, reference, key } }
}

function isRefund(word: string): boolean {
  return word.startsWith('refund')
}

function macOf(raw: Uint8Array, { secret, at }: { secret: string; at: number }): Buffer {
  return createHmac('sha256', secret).update(`${at}.`).update(raw).digest()
}
