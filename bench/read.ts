import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { median, orderOf, pairedRatio, percentile } from './paired.ts'
import { MESSAGES, PAGE } from './messages.ts'
import type { ReadTarget } from './read-child.ts'
import { type ReadSlot, readFor } from './read-load.ts'
import type { BenchResult, Figure } from './result.ts'

const GOAL = 0.5
const CLIENTS = 16
const ROUNDS = 7
const SECONDS = 3

/** A point read by uri with a session, from Postgres, against the same answer from a bare
 *  xrpc-server that neither checks who reads nor looks anything up; both alive in one run and
 *  measured in turns. Beside it a list compared likewise, lists over 100,000 messages, and memory
 *  at rest. */
export async function benchRead(report: (line: string) => void): Promise<BenchResult> {
  await using parts = new AsyncDisposableStack()
  const node = await startTarget(parts, ['ours'])
  const bare = await startTarget(parts, ['bare', JSON.stringify(node.message)])
  const path = (n: number) =>
    `/xrpc/co.kendev.spaces.getMessage?${String(new URLSearchParams({ uri: uriOf(node, n) }))}`
  const point = await compare('point read', { node, bare, path }, report)
  const page = new URLSearchParams({ space: node.message.space, limit: String(PAGE) })
  const pagePath = `/xrpc/co.kendev.spaces.listMessages?${String(page)}`
  const listed = await compare(
    `listMessages, ${PAGE}`,
    { node, bare, path: () => pagePath },
    report,
  )
  const lists = await benchLists(node, report)
  const memory = node.memory ? [memoryFigure(node.memory, report)] : []
  return { ...point, bench: 'read', goal: GOAL, more: [listed, ...lists, ...memory] }
}

/** Both servers answering the same, in turns. */
async function compare(
  name: string,
  on: { node: ReadTarget; bare: ReadTarget; path: (n: number) => string },
  report: (line: string) => void,
): Promise<Figure> {
  const { node, bare, path } = on
  const sides = {
    ours: { origin: node.origin, token: node.token, path },
    reference: { origin: bare.origin, path },
  }
  for (const side of Object.values(sides)) await readFor({ ...side, clients: CLIENTS, seconds: 2 })
  const slots = { ours: [] as ReadSlot[], reference: [] as ReadSlot[] }
  for (let round = 0; round < ROUNDS; round++)
    for (const side of orderOf(['ours', 'reference'] as const, round))
      slots[side].push(await readFor({ ...sides[side], clients: CLIENTS, seconds: SECONDS }))
  const speeds = (side: 'ours' | 'reference') => slots[side].map((slot) => slot.perSecond)
  const ratio = pairedRatio(speeds('ours'), speeds('reference'))
  for (const side of ['ours', 'reference'] as const)
    report(`${name}, ${side}: ${line(slots[side])}`)
  report(`ratio ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`)
  return {
    ...alone(name, Math.round(median(speeds('ours'))), 'req/s'),
    reference: Math.round(median(speeds('reference'))),
    ratio: Number(ratio.median.toFixed(3)),
  }
}

/** Any of the messages, no two in a row near each other. */
function uriOf({ message }: ReadTarget, n: number): string {
  const rkey = String(((n * 7919) % (MESSAGES - 1)) + 1).padStart(13, 'a')
  return `${message.uri.slice(0, -13)}${rkey}`
}

async function benchLists(node: ReadTarget, report: (line: string) => void): Promise<Figure[]> {
  const { space, channel, uri } = node.message
  const queries: Readonly<Record<string, Record<string, string>>> = {
    'listMessages of a space, 50': { nsid: 'listMessages', space, limit: '50' },
    'listMessages of a channel, 50': { nsid: 'listMessages', space, channel, limit: '50' },
    'searchMessages, 50': { nsid: 'searchMessages', space, q: 'caliper friday', limit: '50' },
    getThread: { nsid: 'getThread', uri },
  }
  const figures: Figure[] = []
  for (const [name, { nsid, ...params }] of Object.entries(queries)) {
    const path = `/xrpc/co.kendev.spaces.${nsid}?${String(new URLSearchParams(params))}`
    const side = { origin: node.origin, token: node.token, path: () => path, clients: CLIENTS }
    await readFor({ ...side, seconds: 1 })
    const slot = await readFor({ ...side, seconds: SECONDS })
    report(`${name}: ${line([slot])}`)
    figures.push(alone(name, Math.round(slot.perSecond), 'req/s'))
    figures.push(alone(`${name}, p99`, round(percentile(slot.latencies, 0.99)), 'ms'))
  }
  return figures
}

function memoryFigure(
  { nodeMb, databaseMb }: NonNullable<ReadTarget['memory']>,
  report: (line: string) => void,
): Figure {
  report(`memory at rest: ${nodeMb} MB node, ${databaseMb} MB Postgres`)
  return { ...alone('memory at rest', nodeMb + databaseMb, 'MB'), goal: 547 }
}

function alone(name: string, ours: number, unit: string): Figure {
  return { bench: name, goal: null, ours, reference: null, ratio: null, unit }
}

function line(slots: readonly ReadSlot[]): string {
  const latencies = slots.flatMap((slot) => slot.latencies)
  const perSecond = Math.round(median(slots.map((slot) => slot.perSecond)))
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)].map(round)
  return `${perSecond} req/s, p50 ${p50} ms, p99 ${p99} ms`
}

const round = (ms: number): number => Math.round(ms * 100) / 100

/** Starts one server in a process of its own, ended with the bench. */
async function startTarget(parts: AsyncDisposableStack, args: string[]): Promise<ReadTarget> {
  const child: ChildProcess = fork(new URL('./read-child.ts', import.meta.url), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  })
  parts.defer(async () => {
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  })
  const [target] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the ${args[0]} server ended`))),
  ])) as [ReadTarget]
  return target
}
