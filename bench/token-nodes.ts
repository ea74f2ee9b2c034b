import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { serviceDid } from '../src/pds/identity.ts'
import { loadKeys } from '../src/pds/secrets.ts'
import { readEpochJson } from '../src/tokens/epoch-json.ts'
import type { ReadEpoch } from '../src/tokens/epoch.ts'
import { isRefusal } from '../src/tokens/refusal.ts'
import { postmasterPid } from '../test/database/hold.ts'
import { type NodeProcess, nodeProcess } from '../test/node-process.ts'
import { firstEpoch } from '../test/tokens/town.ts'
import { cpuOfTree } from './process-cpu.ts'
import { OPENING, type Spender } from './token-spenders.ts'

/** CPU time in µs that all nodes have used so far, and their Postgres servers. */
export type NodesUsage = { readonly nodeUs: number; readonly postgresUs: number }

/** Whole nodes in processes of their own on loopback, each with its Postgres and a validator. */
export type Nodes = {
  readonly genesis: ReadEpoch
  usage(): Promise<NodesUsage>
}

/** Starts four nodes on a ledger that gives each spender something. A directory of this process
 *  answers for the spenders, whose PDS nobody needs: transfers come with their proofs. */
export async function startNodes(
  parts: AsyncDisposableStack,
  spenders: readonly Spender[],
): Promise<Nodes> {
  const folder = mkdtempSync(join(tmpdir(), 'angelos-bench-'))
  parts.defer(() => rmSync(folder, { recursive: true, force: true }))
  const plc = parts.use(await nodeProcess('plc'))
  await plc.start()
  const directory = await openDirectory(plc.origin, spenders)
  parts.defer(() => {
    directory.close()
    directory.closeAllConnections()
  })
  const ANGELOS_PLC_URL = `http://localhost:${(directory.address() as AddressInfo).port}`
  const file = join(folder, 'genesis.json')
  const nodes: NodeProcess[] = []
  for (const n of [1, 2, 3, 4]) {
    const names = { ANGELOS_NAME: `node${n}`, ANGELOS_ADMIN_PORT: '0' }
    const env = { ANGELOS_PLC_URL, ANGELOS_TOKEN_GENESIS: file, ...names }
    const node = parts.use(await nodeProcess('start', env))
    // Others may pass through, so that the Postgres of a node that root runs lies inside.
    chmodSync(node.dataDir, 0o711)
    nodes.push(node)
  }
  const validators = await Promise.all(
    nodes.map(async ({ origin, dataDir }) => {
      const { validatorKeyHex } = await loadKeys(dataDir)
      const key = p256Signer(Buffer.from(validatorKeyHex, 'hex')).didKey
      const did = serviceDid('localhost', Number(new URL(origin).port), true)
      return { did, key, endpoint: origin }
    }),
  )
  const grants = spenders.map(({ payer: { did } }) => {
    return { kind: 'system_grant' as const, amount: OPENING, to: did }
  })
  const epoch = JSON.stringify({ ...firstEpoch([], grants), validators, quorum: 3 })
  writeFileSync(file, epoch)
  const genesis = readEpochJson(nativeCrypto, epoch)
  if (isRefusal(genesis)) throw new Error(genesis.detail)
  await Promise.all(nodes.map((node) => node.start()))
  const usage = async () => {
    const servers = nodes.map(({ dataDir }) => postmasterPid(join(dataDir, 'postgres/pg18')))
    const sum = async (pids: readonly number[]) =>
      (await Promise.all(pids.map(cpuOfTree))).reduce((all, one) => all + one, 0)
    const postgresUs = await sum(servers)
    const treeUs = await sum(nodes.map((node) => node.pid()!))
    // Each server is a child of its node.
    return { nodeUs: treeUs - postgresUs, postgresUs }
  }
  return { genesis, usage }
}

/** Answers for the spenders by itself, and for all others what the real directory does. */
async function openDirectory(plc: string, spenders: readonly Spender[]): Promise<Server> {
  const documents = new Map(spenders.map(({ document }) => [`/${document.id}`, document]))
  const server = createServer((req, res) => {
    void (async () => {
      const known = documents.get(req.url ?? '')
      res.setHeader('content-type', 'application/json')
      if (known) return res.end(JSON.stringify(known))
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      const { method = 'GET', url = '/' } = req
      const headers = { 'content-type': 'application/json' }
      const init = method === 'GET' ? {} : { method, headers, body: Buffer.concat(chunks) }
      const answer = await fetch(`${plc}${url}`, init)
      res.statusCode = answer.status
      return res.end(await answer.text())
    })().catch(() => res.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
