import { decode } from '@atcute/cbor'
import { scanCbor } from '../bytes/cbor-scan.ts'
import { type Message, addressOf, isFields, parseMessage } from './message.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'

/** What one WebSocket message of `subscribeRepos` says. */
export type Frame =
  | { kind: 'message'; message: Message }
  | { kind: 'refused'; seq?: number; did: string; refusal: Refusal }
  /** a message that has no effect here but moves the cursor */
  | { kind: 'unknown'; seq?: number }
  | { kind: 'info'; name: string; detail: string }
  | { kind: 'error'; name: string; detail: string }

/** A commit of 200 operations has about 2,500 values, the deepest of them on level 3. */
const PAYLOAD_LIMITS = { depth: 8, items: 20_000 }
const HEADER_LIMITS = { depth: 1, items: 16 }

/** Reads a frame (https://atproto.com/specs/event-stream); malformed ones come back as refused. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const parts = partsOf(bytes)
  if (bytes.length > LIMITS.frame) {
    const refusal = refuse('FrameTooLarge', `${bytes.length}`)
    const payload = 'ok' in parts ? undefined : parts.payload
    // Its account has something new all the same.
    return isFields(payload)
      ? { kind: 'refused', ...addressOf(payload), refusal }
      : refused(refusal)
  }
  return 'ok' in parts ? refused(parts) : read(parts.header, parts.payload, bytes)
}

/** Header and payload, decoded. */
function partsOf(bytes: Uint8Array): { header: unknown; payload: unknown } | Refusal {
  const header = scanCbor(bytes, HEADER_LIMITS)
  if ('fault' in header) return refuse(nameOf(header.fault), `header: ${header.fault}`)
  const payload = scanCbor(bytes, PAYLOAD_LIMITS, header.end)
  if ('fault' in payload) return refuse(nameOf(payload.fault), payload.fault)
  if (payload.end !== bytes.length) return refuse('BadFrame', 'more than two parts')
  try {
    const [first, second] = [bytes.subarray(0, header.end), bytes.subarray(header.end)]
    return { header: decode(first), payload: decode(second) }
  } catch (error) {
    return refuse('BadFrame', error instanceof Error ? error.message : 'not DAG-CBOR')
  }
}

function read(header: unknown, payload: unknown, frame: Uint8Array): Frame {
  if (!isFields(header) || !isFields(payload)) return refused(refuse('BadFrame', 'not two maps'))
  const { op, t } = header
  if (op === -1) return note('error', payload['error'], payload['message'])
  if (op !== 1 || typeof t !== 'string') return refused(refuse('BadFrame', 'header'))
  if (t === '#info') return note('info', payload['name'], payload['message'])
  const message = parseMessage(t, payload, frame)
  const address = addressOf(payload)
  if (message === undefined) {
    return address.seq === undefined ? { kind: 'unknown' } : { kind: 'unknown', seq: address.seq }
  }
  if ('ok' in message) return { kind: 'refused', ...address, refusal: message }
  return { kind: 'message', message }
}

function note(kind: 'info' | 'error', name: unknown, detail: unknown): Frame {
  return { kind, name: shortText(name), detail: shortText(detail) }
}

function shortText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : ''
}

function refused(refusal: Refusal): Frame {
  return { kind: 'refused', did: '', refusal }
}

function nameOf(fault: 'TooDeep' | 'TooMany' | 'Malformed') {
  return fault === 'Malformed' ? 'BadFrame' : 'FrameTooDeep'
}
