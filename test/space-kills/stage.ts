import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { collections } from '../../src/appview/collections/index.ts'
import { Indexer } from '../../src/appview/index-record.ts'
import { migrations } from '../../src/appview/migrations/index.ts'
import { prepareViewTables } from '../../src/appview/view-tables.ts'
import { openDatabase } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { openKysely } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { silentLog } from '../../src/log.ts'
import { migrations as ofSpaces } from '../../src/permissioned/migrations/index.ts'
import { json } from '../ingest/fake-host.ts'
import { freePort } from '../node-process.ts'
import { HOSTED, NODES, NODE_DIDS, type NodeName, type Time, signerOf } from './cast.ts'
import { SpaceNode } from './space-node.ts'

/** One Postgres with a database for each node, a directory, and the nodes. */
export type Stage = AsyncDisposable & {
  readonly nodes: Readonly<Record<NodeName, SpaceNode>>
  /** what the parent looks through */
  readonly pools: Readonly<Record<NodeName, pg.Pool>>
}

/** Time runs so much faster in the nodes, so that waiting times of a minute take seconds. */
const FACTOR = 6

/** Starts it, with no node alive yet. */
export async function openStage(): Promise<Stage> {
  await using parts = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'angelos-space-kills-'))
  parts.defer(() => rm(dataDir, { recursive: true, force: true }))
  parts.defer(() => removeEmbedded(dataDir))
  const server = parts.use(await openDatabase({ dataDir, log: silentLog }))
  const time: Time = { base: performance.timeOrigin + performance.now(), factor: FACTOR }
  const ports = { a: await freePort(), b: await freePort() }
  const directory = parts.use(await openDirectory(ports))
  const open = async (node: NodeName) => {
    await server.pool.query(`create database node_${node}`)
    const url = new URL(server.url)
    url.pathname = `/node_${node}`
    const databaseUrl = String(url)
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, application_name: 'oracle' })
    pool.on('error', () => undefined)
    parts.defer(() => pool.end())
    await prepare(pool)
    const life = { node, databaseUrl, plcUrl: directory.origin, port: ports[node], time }
    return { pool, process: parts.use(new SpaceNode(life)) }
  }
  const [a, b] = [await open('a'), await open('b')]
  const running = parts.move()
  return {
    nodes: { a: a.process, b: b.process },
    pools: { a: a.pool, b: b.pool },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function prepare(pool: pg.Pool): Promise<void> {
  await migrate({ db: openKysely(pool), schema: 'node', migrations })
  await migrate({ db: openKysely(pool), schema: 'repo', migrations: ofSpaces })
  const sql = pool as unknown as SqlPool
  await prepareViewTables({ pool: sql, indexer: new Indexer(collections), log: silentLog })
  // What a space's revision has been, in the order of its row's changes.
  await pool.query(`create table public.moved (n bigserial, space text, rev text collate "C")`)
  await pool.query(`create function public.note_move() returns trigger language plpgsql as $$
    begin
      insert into public.moved (space, rev) values (new.space, new."spaceRev");
      return new;
    end $$`)
  await pool.query(`create trigger note_move after update of "spaceRev" on repo.space
    for each row execute function public.note_move()`)
}

/** A PLC directory on loopback of all accounts and both nodes. */
async function openDirectory(ports: Readonly<Record<NodeName, number>>) {
  const homes = new Map(
    NODES.flatMap((node) => [NODE_DIDS[node], ...HOSTED[node]].map((did) => [did, node] as const)),
  )
  const http = createServer((request, response) => {
    const did = decodeURIComponent((request.url ?? '').slice(1))
    const home = homes.get(did)
    if (home === undefined) return json(response, { message: 'not registered' }, 404)
    return json(response, documentOf(did, `http://localhost:${ports[home]}`))
  })
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => void http.close(resolve))
    },
  }
}

function documentOf(did: string, serviceEndpoint: string): object {
  const publicKeyMultibase = signerOf(did).didKey.slice('did:key:'.length)
  return {
    id: did,
    alsoKnownAs: [`at://${did.slice(8)}.test`],
    verificationMethod: [
      { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase },
    ],
    service: [
      { id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint },
      { id: '#angelos_appview', type: 'AngelosAppView', serviceEndpoint },
    ],
  }
}
