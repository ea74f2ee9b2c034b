import { nativeCrypto as crypto } from '../src/crypto/native.ts'
import { createOutbound } from '../src/outbound/fetch.ts'
import { isRefusal } from '../src/tokens/refusal.ts'
import { checkedBatches } from '../src/tokens/seen-signatures.ts'
import { certifyTransfer } from '../src/validator/certify-transfer.ts'
import { median, percentile } from './paired.ts'
import type { Figure } from './result.ts'
import { type Nodes, type NodesUsage, startNodes } from './token-nodes.ts'
import { type Proven, type Wallet, spendersOf, walletsOf } from './token-spenders.ts'

const CLIENTS = [1, 4, 16, 64]
/** The load at which the latency has its goal. */
const STATED = 16
const GOAL_MS = 250
const ROUNDS = 3
const LOAD_MS = 5_000
/** More than four nodes on two cores certify in a second. */
const MOST_PER_SECOND = 600

/** What became of a load. */
type Load = NodesUsage & {
  readonly tps: number
  /** From before the first request until a quorum has applied it, ms. */
  readonly latencies: readonly number[]
  readonly driverUs: number
}

/**
 * Four whole nodes, each a process with its Postgres, and clients in this process who pay one
 * transfer after the other: each is final before the next begins. The nodes share the cores of this
 * machine with each other and with the clients.
 */
export async function networkFigures(report: (line: string) => void, share = 1): Promise<Figure[]> {
  await using parts = new AsyncDisposableStack()
  const spenders = spendersOf(Math.max(...CLIENTS))
  const nodes = await startNodes(parts, spenders)
  const queues = walletsOf(nodes.genesis, spenders).map((wallet) => ({ wallet, due: [] }))
  const loads = CLIENTS.map((clients) => ({ clients, done: [] as Load[] }))
  await load(nodes, queues, 6_000)
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const { clients, done } of loads) {
      const one = await load(nodes, queues.slice(0, clients), LOAD_MS * share)
      done.push(one)
      report(`round ${round}, ${clients} clients: ${told(one)}`)
    }
  }
  return loads.flatMap(({ clients, done }) => figuresOf(clients, done))
}

type Queue = { readonly wallet: Wallet; due: Proven[] }

async function load(nodes: Nodes, queues: readonly Queue[], ms: number): Promise<Load> {
  const enough = Math.ceil((ms / 1_000) * (MOST_PER_SECOND / queues.length))
  for (const queue of queues) {
    const { wallet, due } = queue
    queue.due = [...due, ...wallet.next(Math.max(0, Math.min(enough, 1_500) - due.length))]
  }
  const parts = { crypto, fetch: createOutbound({ development: true }), checked: checkedBatches() }
  const latencies: number[] = []
  const before = await nodes.usage()
  const own = process.cpuUsage()
  const begun = performance.now()
  const client = async ({ due }: Queue) => {
    while (performance.now() - begun < ms) {
      const next = due.shift()
      if (!next) throw new Error('a client has nothing left to pay')
      const started = performance.now()
      const driven = await certifyTransfer(parts, nodes.genesis, next.submission)
      if (isRefusal(driven) || driven.status !== 'final') throw new Error(JSON.stringify(driven))
      latencies.push(performance.now() - started)
    }
  }
  await Promise.all(queues.map(client))
  const seconds = (performance.now() - begun) / 1_000
  const { user, system } = process.cpuUsage(own)
  const after = await nodes.usage()
  return {
    tps: latencies.length / seconds,
    latencies,
    driverUs: user + system,
    nodeUs: after.nodeUs - before.nodeUs,
    postgresUs: after.postgresUs - before.postgresUs,
  }
}

function told({ tps, latencies, nodeUs, postgresUs, driverUs }: Load): string {
  const [p50, p95] = [0.5, 0.95].map((p) => Math.round(percentile(latencies, p)))
  const each = (us: number) => Math.round(us / latencies.length)
  const cpu = `nodes ${each(nodeUs)} µs, Postgres ${each(postgresUs)} µs`
  const time = `${Math.round(tps)} final/s, p50 ${p50} ms, p95 ${p95} ms`
  return `${time}; CPU for each: ${cpu}, clients ${each(driverUs)} µs`
}

function figuresOf(clients: number, loads: readonly Load[]): Figure[] {
  const name = `tokens, four nodes, ${clients} clients`
  const alone = { reference: null, ratio: null }
  const rate = Math.round(median(loads.map(({ tps }) => tps)))
  const late = (p: number) =>
    Number(median(loads.map(({ latencies }) => percentile(latencies, p))).toFixed(1))
  const goal = clients === STATED ? GOAL_MS : null
  return [
    { bench: `${name}, p95`, goal, ours: late(0.95), ...alone, unit: 'ms' },
    { bench: `${name}, p50`, goal: null, ours: late(0.5), ...alone, unit: 'ms' },
    { bench: name, goal: null, ours: rate, ...alone, unit: 'final transfers/s' },
  ]
}
