import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { percentile } from './paired.ts'
import type { BenchResult, Figure } from './result.ts'
import type { VisibleTarget } from './visible-child.ts'

/** A post's way from acknowledged to visible in the reference AppView (p50 and p95, ms), measured
 *  on the same kind of machine. */
const REFERENCE = { p50: 7, p95: 18 }
/** How many times as long as the reference it may take. */
const GOAL = 3
const WARM_UP = 100
const WRITES = 400
/** Rest between two writes and between two looks, ms. The look's is part of what is measured. */
const REST_MS = 10
const LOOK_MS = 1

/** Time from the answer of `com.atproto.repo.createRecord`, which waits for no view, to the row in
 *  the view: through the whole node's firehose, verification and Postgres, one record at a time.
 *  The view is looked at every millisecond over a connection of its own. */
export async function benchVisible(
  report: (line: string) => void,
  writes = WRITES,
): Promise<BenchResult> {
  await using parts = new AsyncDisposableStack()
  const node = await startNode(parts)
  const client = new pg.Client({ connectionString: node.databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  parts.defer(() => client.end())
  const acknowledged: number[] = []
  const visible: number[] = []
  for (let n = -WARM_UP; n < writes; n++) {
    const begun = performance.now()
    const uri = await write(node, n)
    const answered = performance.now()
    await seen(client, uri)
    const found = performance.now()
    if (n >= 0) acknowledged.push(answered - begun)
    if (n >= 0) visible.push(found - answered)
    await sleep(REST_MS)
  }
  const of = (values: number[], p: number) => Number(percentile(values, p).toFixed(1))
  const [p50, p95] = [of(visible, 0.5), of(visible, 0.95)]
  report(`acknowledged → visible: p50 ${p50} ms, p95 ${p95} ms, longest ${of(visible, 1)} ms`)
  report(
    `written → acknowledged: p50 ${of(acknowledged, 0.5)} ms, p95 ${of(acknowledged, 0.95)} ms`,
  )
  return {
    ...figure('visible', p95, REFERENCE.p95),
    goal: GOAL,
    more: [
      figure('visible, p50', p50, REFERENCE.p50),
      figure('acknowledged, p50', of(acknowledged, 0.5), 11),
      figure('acknowledged, p95', of(acknowledged, 0.95), 14),
    ],
  }
}

function figure(bench: string, ours: number, reference: number): Figure {
  const ratio = Number((ours / reference).toFixed(2))
  return { bench, goal: null, ours, reference, ratio, unit: 'ms' }
}

async function write({ origin, did, token, space, channel }: VisibleTarget, n: number) {
  const collection = 'co.kendev.spaces.message'
  const createdAt = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString()
  const record = { $type: collection, space, channel, text: `Is the lift free? ${n}`, createdAt }
  const response = await fetch(`${origin}/xrpc/com.atproto.repo.createRecord`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ repo: did, collection, record }),
  })
  const body = (await response.json()) as { uri: string }
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`)
  return body.uri
}

/** Resolves when readers would see the message. */
async function seen(client: pg.Client, uri: string): Promise<void> {
  const look = {
    name: 'look',
    text: 'select 1 from appview.message where uri = $1 and admitted',
    values: [uri],
  }
  while ((await client.query(look)).rowCount === 0) await sleep(LOOK_MS)
}

async function startNode(parts: AsyncDisposableStack): Promise<VisibleTarget> {
  const child: ChildProcess = fork(new URL('./visible-child.ts', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = once(child, 'exit')
  parts.defer(async () => {
    child.disconnect()
    await exited
  })
  const ended = exited.then(() => Promise.reject(new Error('the node ended')))
  ended.catch(() => undefined)
  const [target] = (await Promise.race([once(child, 'message'), ended])) as [VisibleTarget]
  return target
}
