import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../log.ts'
import { type Receiving, type WebhookAnswer, receiveWebhook } from './receive-webhook.ts'

/** Where providers send their events: `/webhooks/payments/<name of the provider>`. */
const PATH = '/webhooks/payments/'
const BODY_MAX_BYTES = 262_144

/** Takes in webhooks of payment providers, before anything else has read their bytes. */
export function webhookRoutes(receiving: Receiving & { readonly log: Log }): {
  handles: (req: IncomingMessage) => boolean
  request: (req: IncomingMessage, res: ServerResponse) => void
} {
  return {
    handles: ({ url = '' }) => url.startsWith(PATH),
    request: (req, res) => {
      if (req.method !== 'POST') return answer(res, 405, 'POST only')
      take(receiving, req).then(
        ({ status, text }) => answer(res, status, text),
        (error: unknown) => {
          receiving.log.error({ err: error }, 'a webhook failed')
          answer(res, 500, 'Something went wrong here: send it again later.')
        },
      )
    },
  }
}

async function take(
  receiving: Receiving,
  req: IncomingMessage,
): Promise<WebhookAnswer | { status: 413; text: string }> {
  const raw = await bodyOf(req)
  if (!raw) return { status: 413, text: `A webhook has at most ${BODY_MAX_BYTES} bytes.` }
  const name = (req.url ?? '').slice(PATH.length).split('?', 1)[0]!
  const header = (asked: string) => {
    const given = req.headers[asked]
    return typeof given === 'string' ? given : undefined
  }
  return receiveWebhook(receiving, name, { raw, header })
}

/** The bytes of a body, or undefined when there are too many; then the rest is not read. */
async function bodyOf(req: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(req.headers['content-length'] ?? 0) > BODY_MAX_BYTES) return undefined
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of req as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > BODY_MAX_BYTES) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function answer(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent || res.destroyed) return
  // What was not read to its end cannot be followed by another request.
  if (status >= 400) res.setHeader('connection', 'close')
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  res.end(text)
}
