import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { collections } from '../src/appview/collections/index.ts'
import { Indexer } from '../src/appview/index-record.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { systemTimers } from '../src/clock.ts'
import { migrate } from '../src/database/migrate.ts'
import { type Following, startFollowing } from '../src/firehose/follow.ts'
import { createHostApi } from '../src/firehose/http-host-api.ts'
import { openSocket } from '../src/firehose/socket.ts'
import { pooledVerifier } from '../src/firehose/verify-pool.ts'
import { createIdentityResolver } from '../src/identity/resolver.ts'
import { silentLog } from '../src/log.ts'
import { createOutbound } from '../src/outbound/fetch.ts'
import { ownPrefix } from '../src/pds/validate.ts'
import { postmasterPid } from '../test/database/hold.ts'
import { type NativeDatabase, nativeDatabase } from '../test/database/native.ts'
import type { HostReady, HostUsage, ToHost } from './ingest-host.ts'
import { cpuOfTree } from './process-cpu.ts'
import type { Figure } from './result.ts'

const RECORDS = 20_000
const WARM_UP = 0.2
const GOAL = 2_200
const SYNCHRONIZED = `where state = 'synchronized'`
const LOOK_MS = 100
const PATIENCE_MS = 120_000

/** Records per second from a host's frames to rows in the views: the real consumer, verification
 *  and Postgres, fed as fast as it reads by a host in a process of its own that has made all its
 *  commits before. What each of the three costs in CPU says what bounds it. */
export async function viewFigures(
  report: (line: string) => void,
  records = RECORDS,
): Promise<Figure[]> {
  await using parts = new AsyncDisposableStack()
  const database = await nativeDatabase<unknown>()
  parts.defer(() => database.close())
  const host = await startHost(parts, records)
  report(`${records} commits of one create each, of ${host.ready.accounts} accounts`)
  const node = await startNode(parts, database, host.ready)
  await until(async () => (await node.rows('account', SYNCHRONIZED)) === host.ready.accounts)
  const first = Math.round(records * WARM_UP)
  await node.take(host, first)
  const turn = await measure({ database, host, node }, records - first)
  await until(async () => (await node.rows('message')) + (await node.rows('product')) === records)
  return tell(turn, report)
}

type Turn = { records: number; ms: number; nodeUs: number; postgresUs: number; hostUs: number }
type Measured = Turn & { queued: number }

async function measure(
  { database, host, node }: { database: NativeDatabase<unknown>; host: Host; node: Node },
  records: number,
): Promise<Measured> {
  const server = postmasterPid(join(database.dataDir, 'postgres/pg18'))
  const usage = async () => {
    const { user, system } = process.cpuUsage()
    const { cpuUs } = await host.usage()
    return { nodeUs: user + system, postgresUs: await cpuOfTree(server), hostUs: cpuUs }
  }
  const queued: number[] = []
  const looking = setInterval(() => queued.push(node.queued()), LOOK_MS)
  const before = await usage()
  const begun = performance.now()
  await node.take(host, records)
  const ms = performance.now() - begun
  clearInterval(looking)
  const after = await usage()
  return {
    records,
    ms,
    nodeUs: after.nodeUs - before.nodeUs,
    postgresUs: after.postgresUs - before.postgresUs,
    hostUs: after.hostUs - before.hostUs,
    queued: queued.reduce((sum, n) => sum + n, 0) / Math.max(1, queued.length),
  }
}

function tell(turn: Measured, report: (line: string) => void): Figure[] {
  const { records, ms, queued } = turn
  const each = (us: number) => Math.round(us / records)
  const perSecond = Math.round((records * 1_000) / ms)
  const cpuUs = turn.nodeUs + turn.postgresUs
  const cores = (cpuUs + turn.hostUs) / 1_000 / ms
  report(`frames to views: ${perSecond} records/s`)
  report(`CPU for each: node ${each(turn.nodeUs)} µs, Postgres ${each(turn.postgresUs)} µs`)
  report(
    `${cores.toFixed(2)} of ${availableParallelism()} cores busy with it, the sending host ` +
      `${each(turn.hostUs)} µs for each; ${Math.round(queued)} frames queued on average`,
  )
  const alone = { reference: null, ratio: null }
  return [
    { bench: 'frames to views', goal: GOAL, ours: perSecond, ...alone, unit: 'records/s' },
    cost('node', each(turn.nodeUs)),
    cost('Postgres', each(turn.postgresUs)),
    {
      bench: 'frames to views, by CPU of two cores',
      goal: GOAL,
      ours: Math.round((2e6 * records) / cpuUs),
      ...alone,
      unit: 'records/s',
    },
  ]
}

function cost(who: string, us: number): Figure {
  const bench = `frames to views: CPU of ${who}`
  return { bench, goal: null, ours: us, reference: null, ratio: null, unit: 'µs/record' }
}

type Host = { ready: HostReady; send(count: number): void; usage(): Promise<HostUsage> }

async function startHost(parts: AsyncDisposableStack, records: number): Promise<Host> {
  const script = new URL('./ingest-host.ts', import.meta.url)
  const child: ChildProcess = fork(script, [String(records)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = once(child, 'exit')
  parts.defer(async () => {
    child.disconnect()
    await exited
  })
  const ended = exited.then(() => Promise.reject(new Error('the sending host ended')))
  ended.catch(() => undefined)
  const next = async () => ((await Promise.race([once(child, 'message'), ended])) as unknown[])[0]
  return {
    ready: (await next()) as HostReady,
    send: (count) => void child.send({ send: count } satisfies ToHost),
    async usage() {
      const answer = next()
      child.send('usage' satisfies ToHost)
      return (await answer) as HostUsage
    },
  }
}

type Node = {
  /** Has the host send so many frames; resolves when their records are indexed. */
  take(host: Host, count: number): Promise<void>
  queued(): number
  rows(table: string, where?: string): Promise<number>
}

/** The consumer as the node has it, in this process. */
async function startNode(
  parts: AsyncDisposableStack,
  database: NativeDatabase<unknown>,
  { origin }: HostReady,
): Promise<Node> {
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  await migrate({ db: database.db, schema: 'node', migrations })
  await prepareViewTables({ pool, indexer, log: silentLog })
  const outbound = createOutbound({ development: true })
  const common = { timers: systemTimers, log: silentLog }
  const verifier = pooledVerifier({ collections: ownPrefix, ...common })
  parts.defer(() => verifier.close())
  let indexed = 0
  const following: Following = await startFollowing({
    ...common,
    own: { host: origin, service: origin },
    upstreams: [],
    relays: [],
    relayHosts: false,
    prefix: ownPrefix,
    collections: collections.map(({ nsid }) => nsid),
    store: createSyncStore({ pool, indexer, clock: systemTimers }),
    api: createHostApi({ outbound }),
    resolver: createIdentityResolver({
      plcUrl: origin,
      development: true,
      clock: systemTimers,
      log: silentLog,
      outbound,
    }),
    verifier,
    connect: openSocket,
    proveHandle: async ({ handle }) => handle,
    publicOnly: false,
    onApplied: ({ outcomes }) => void (indexed += outcomes['indexed'] ?? 0),
  })
  parts.defer(() => following.close())
  return {
    async take(host, count) {
      const wanted = indexed + count
      host.send(count)
      await until(async () => indexed >= wanted)
    },
    queued: () => [...following.states().values()].reduce((sum, { queued }) => sum + queued, 0),
    async rows(table, where = '') {
      const { rows } = await pool.query<{ n: number }>(
        `select count(*)::int n from appview."${table}" ${where}`,
      )
      return rows[0]!.n
    },
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await done());) {
    if (performance.now() - from > PATIENCE_MS) throw new Error('the views do not come to an end')
    await sleep(5)
  }
}
