import { encode } from '@atproto/lex-cbor'
import { Indexer } from '../src/appview/index-record.ts'
import { collections } from '../src/appview/collections/index.ts'
import { createProgress } from '../src/appview/progress.ts'
import { createSpaceSink } from '../src/appview/space-sink.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { systemClock, systemTimers } from '../src/clock.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import type { Database } from '../src/database/database.ts'
import type { SqlPool } from '../src/database/sql.ts'
import { co } from '../src/lexicons/index.ts'
import { silentLog } from '../src/log.ts'
import { audienceUri } from '../src/permissioned/audience.ts'
import { cidOfBlock, cidText } from '../src/permissioned/format/cid-bytes.ts'
import { signCommit } from '../src/permissioned/format/commit.ts'
import { comparePaths } from '../src/permissioned/format/repo-index.ts'
import { SetHash } from '../src/permissioned/format/set-hash.ts'
import { writeRepoCar } from '../src/permissioned/format/write-repo-car.ts'
import {
  type FollowSpacesOptions,
  startFollowingSpaces,
} from '../src/permissioned/sync/follow-spaces.ts'
import { postgresFollowStore } from '../src/permissioned/sync/postgres-follow-store.ts'
import { makeCredential } from '../src/permissioned/tokens/credential.ts'
import { createTids } from '../src/tid.ts'
import { cpuOfTree } from './process-cpu.ts'
import type { Figure } from './result.ts'

const AUTHORS = 10
const AUTHORITY = 'did:plc:garage'
const SPACE = audienceUri(AUTHORITY, 'members')
const MB = 2 ** 20

type Entry = { path: string; cid: string; bytes: Uint8Array }
type Repo = { did: string; rev: string; entries: Entry[]; hash: Uint8Array }

/** A space of so many records by ten authors, each at a host of their own, is synced whole: CARs
 *  are read and verified, their records indexed into the views. Making the CARs is not counted. */
export async function benchSpaceSync(
  database: Database,
  report: (line: string) => void,
  records: number,
): Promise<Figure[]> {
  const pool = database.pool as unknown as SqlPool
  const indexer = new Indexer(collections)
  await prepareViewTables({ pool, indexer, log: silentLog })
  const each = Math.max(1, Math.round(records / AUTHORS))
  const repos = Array.from({ length: AUTHORS }, (_, n) => makeRepo(n, each))
  const cars = new Map<string, Buffer>()
  for (const repo of repos) cars.set(repo.did, await carOf(repo))
  const progress = createProgress(pool)
  const sink = createSpaceSink({ pool, indexer, progress, clock: systemClock, named: () => {} })
  const memory = { peak: 0, rest: process.memoryUsage.rss() }
  const watch = setInterval(() => {
    memory.peak = Math.max(memory.peak, process.memoryUsage.rss())
  }, 50)
  const cpu = process.cpuUsage()
  const tree = await cpuOfTree(process.pid)
  const begun = performance.now()
  const following = await startFollowingSpaces({ ...portsOf(repos, cars), ...storage(pool), sink })
  await following.follow(SPACE)
  await Promise.all(repos.map(({ did, rev }) => shown(sink, did, rev)))
  const seconds = (performance.now() - begun) / 1000
  const own = process.cpuUsage(cpu)
  const all = (await cpuOfTree(process.pid)) - tree
  clearInterval(watch)
  await following.close()
  const total = each * AUTHORS
  const perRecord = (own.user + own.system) / total
  const others = Math.max(0, all / total - perRecord)
  report(
    `sync of ${total} records: ${Math.round(total / seconds)}/s; for each ` +
      `${perRecord.toFixed(0)} µs of the process, ${others.toFixed(0)} µs of Postgres`,
  )
  return [
    figure('sync of a space', total / seconds, 'records/s'),
    figure('sync of a space: CPU of the process', perRecord, 'µs/record'),
    figure('sync of a space: CPU of Postgres', others, 'µs/record'),
    figure('sync of a space: memory beyond rest', (memory.peak - memory.rest) / MB, 'MB'),
  ]
}

function figure(bench: string, ours: number, unit: string): Figure {
  return { bench, goal: null, ours: Math.round(ours), reference: null, ratio: null, unit }
}

const KEY = p256Signer()

function makeRepo(n: number, records: number): Repo {
  const did = `did:plc:author${n}`
  const collection = co.kendev.spaces.message.$type
  const nextTid = createTids(systemClock)
  const hash = new SetHash()
  const entries = Array.from({ length: records }, (_, at): Entry => {
    const bytes = encode({
      $type: collection,
      space: AUTHORITY,
      text: `Is the lift free on Friday? ${n} ${at}`,
      createdAt: '2026-11-23T10:00:00Z',
    })
    const cid = cidText(cidOfBlock(bytes))
    const path = `${collection}/${nextTid()}`
    hash.add(path, cid)
    return { path, cid, bytes }
  })
  entries.sort((a, b) => comparePaths(Buffer.from(a.path), Buffer.from(b.path)))
  return { did, rev: nextTid(), entries, hash: hash.digest() }
}

async function carOf({ did: author, rev, entries, hash }: Repo): Promise<Buffer> {
  const sign = async (bytes: Uint8Array) => KEY.sign(bytes)
  const commit = await signCommit({ space: SPACE, author, rev, hash, sign })
  const each = async function* () {
    yield* entries
  }
  const parts: Uint8Array[] = []
  for await (const part of writeRepoCar({ commit, index: each(), blocks: each() })) parts.push(part)
  return Buffer.concat(parts)
}

type Ports = Omit<FollowSpacesOptions, 'store' | 'sink'>

/** The authority is this node's own account; its members live elsewhere. */
function portsOf(repos: readonly Repo[], cars: ReadonlyMap<string, Buffer>): Ports {
  const nextTid = createTids(systemClock)
  const listed = repos.map(({ did, rev: repoRev, hash }) => ({
    did,
    repoRev,
    hash,
    spaceRev: nextTid(),
  }))
  const refused = async () => ({ ok: false as const, name: 'NotHere' })
  const resolve = async (did: string) => ({
    did,
    signingKey: KEY.didKey,
    pds: `https://${did.slice('did:plc:'.length)}.example.com`,
    document: { id: did },
  })
  return {
    api: {
      credential: refused,
      listRepos: refused,
      registerNotify: refused,
      repoOps: refused,
      repo: async (_, did) => ({ ok: true, body: piecesOf(cars.get(did)!) }),
    },
    resolver: { resolve, document: async (did) => ({ id: did }) },
    isHosted: (did) => did === AUTHORITY,
    delegate: async () => undefined,
    issue: async (space, key) => {
      const sign = async (bytes: Uint8Array) => KEY.sign(bytes)
      const now = systemClock.now()
      return (await makeCredential({ space, key, now, sign, alg: 'ES256' })).token
    },
    ownRepos: async (_, cursor) =>
      cursor === null ? { repos: listed, cursor: listed.at(-1)!.spaceRev } : { repos: [] },
    service: 'did:web:here.example.com#angelos_appview',
    timers: systemTimers,
    log: silentLog,
    limits: { startMs: 1, lookMs: 20, gapMs: 1, urgentMs: 600_000 },
  }
}

function storage(pool: SqlPool) {
  return { store: postgresFollowStore(pool) }
}

const PIECE = 65_536

async function* piecesOf(car: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < car.length; at += PIECE) yield car.subarray(at, at + PIECE)
}

async function shown(sink: ReturnType<typeof createSpaceSink>, did: string, rev: string) {
  while ((await sink.stateOf(SPACE, did))?.rev !== rev) await systemTimers.sleep(50)
}
