import { WebSocket } from 'ws'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Seen } from './sentinels.ts'

/** Who asks where: an origin, and the headers that say who it is. */
export type Asker = {
  readonly name: string
  readonly origin: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Longer than any answer takes; what takes longer is a fault. */
const PATIENCE_MS = 30_000

/** One request, and everything that came back: status line, headers and body. */
export async function ask(
  asker: Asker,
  path: string,
  how: { method?: string; body?: unknown } = {},
): Promise<Seen & { status: number; type: string }> {
  const { origin, headers, name } = asker
  const body = how.body === undefined ? undefined : JSON.stringify(how.body)
  const response = await fetch(`${origin}${path}`, {
    method: how.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : { body }),
  })
  const head = [...response.headers].map((pair) => pair.join(': ')).join('\n')
  const bytes = Buffer.concat([
    Buffer.from(`${response.status} ${response.statusText}\n${head}\n`),
    Buffer.from(await response.arrayBuffer()),
  ])
  const type = response.headers.get('content-type') ?? ''
  const asked = `${decodeURIComponent(path)} ${body ?? ''}`
  return { from: `${name}: ${path}`, bytes, asked, status: response.status, type }
}

/** Runs jobs, a few at a time, and keeps what they answer in order. */
export async function severally<T, R>(
  items: readonly T[],
  job: (item: T) => Promise<R>,
  atOnce = 8,
): Promise<R[]> {
  const answers: R[] = []
  const entries = items.entries()
  const worker = async () => {
    for (const [n, item] of entries) answers[n] = await job(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return answers
}

/** Everything a stream sends until it has been quiet for a while, or ends. */
export async function listen(
  asker: Asker,
  path: string,
  { quietMs = 1_000, during }: { quietMs?: number; during?: () => Promise<unknown> } = {},
): Promise<Seen[]> {
  const seen: Seen[] = []
  const { origin, headers = {}, name } = asker
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${path}`, { headers })
  let last = Date.now()
  let over = false
  const keep = (bytes: Buffer) => {
    last = Date.now()
    seen.push({ from: `${name}: ${path}`, bytes })
  }
  const { promise: open, resolve } = Promise.withResolvers<void>()
  socket.on('open', resolve)
  socket.on('message', (data: Buffer) => keep(data))
  socket.on('unexpected-response', (_, response) => {
    keep(Buffer.from(`${response.statusCode} ${JSON.stringify(response.headers)}`))
    socket.terminate()
  })
  const ended = () => {
    over = true
    resolve()
  }
  socket.on('error', ended)
  socket.on('close', ended)
  await open
  await during?.()
  last = Date.now()
  while (!over && Date.now() - last < quietMs) await sleep(50)
  socket.terminate()
  return seen
}
