import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { serviceDid } from '../../src/pds/identity.ts'
import { loadKeys } from '../../src/pds/secrets.ts'
import { readEpochJson } from '../../src/tokens/epoch-json.ts'
import { EPOCH, type ReadEpoch, type ValidatorEntry } from '../../src/tokens/epoch.ts'
import type { Grant } from '../../src/tokens/grants.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import type { TokenSigner } from '../../src/tokens/token-crypto.ts'
import { type NodeProcess, nodeProcess } from '../node-process.ts'
import type { Person } from '../person.ts'
import { GOVERNANCE, firstEpoch } from './town.ts'

/** How somebody in front of a validator treats what comes for it. */
export type Manner = (request: {
  url: string
  body: string
}) => Promise<object> | 'forward' | 'drop'

/** Four nodes in processes of their own, each a validator, and a gate in front of the last one,
 *  which does nothing else. */
export type TokenNetwork = AsyncDisposable & {
  readonly nodes: readonly NodeProcess[]
  readonly signers: readonly TokenSigner[]
  /** What an epoch says of each node that validates in it. */
  readonly validators: readonly ValidatorEntry[]
  /** Makes the ledger and starts all nodes on it, of which the first ones validate, all unless it
   *  is said; somebody who governs it publishes its epoch. */
  found(
    grants: readonly Grant[],
    governance?: string | Person,
    members?: number,
  ): Promise<ReadEpoch>
  /** How the gate of the last validator treats requests from now on. */
  gate: Manner
}

/** Prepares four nodes with a PLC directory of their own. The first two run at once, so that people
 *  can have accounts there; the ledger comes when `found` is called. */
export async function tokenNetwork(): Promise<TokenNetwork> {
  await using parts = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'angelos-ledger-'))
  parts.defer(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'genesis.json')
  const plc = parts.use(await nodeProcess('plc'))
  await plc.start()
  const nodes: NodeProcess[] = []
  for (const n of [1, 2, 3, 4]) {
    const env = { ANGELOS_PLC_URL: plc.origin, ANGELOS_NAME: `node${n}`, ANGELOS_ADMIN_PORT: '0' }
    const role = n === 4 ? ['--role', 'validator'] : []
    nodes.push(parts.use(await nodeProcess('start', env, role)))
  }
  const keys = await Promise.all(nodes.map(({ dataDir }) => loadKeys(dataDir)))
  const signers = keys.map(({ validatorKeyHex }) => p256Signer(Buffer.from(validatorKeyHex, 'hex')))
  const state: { gate: Manner } = { gate: () => 'forward' }
  const gate = await openGate(nodes[3]!.origin, (request) => state.gate(request))
  parts.defer(() => void gate.close())
  await Promise.all(nodes.slice(0, 2).map((node) => node.start()))
  const endpoints = [...nodes.slice(0, 3).map(({ origin }) => origin), originOf(gate)]
  const validators = nodes.map(({ origin }, n) => ({
    did: serviceDid('localhost', Number(new URL(origin).port), true),
    key: signers[n]!.didKey,
    endpoint: endpoints[n]!,
  }))
  const found: TokenNetwork['found'] = async (grants, governor = GOVERNANCE, members = 4) => {
    const governance = typeof governor === 'string' ? governor : governor.did
    const named = { validators: validators.slice(0, members), quorum: quorumOf(members) }
    const epoch = { ...firstEpoch([], grants), governance, ...named }
    writeFileSync(file, JSON.stringify(epoch))
    const read = readEpochJson(nativeCrypto, JSON.stringify(epoch))
    if (isRefusal(read)) throw new Error(read.detail)
    if (typeof governor !== 'string') {
      const record = JSON.parse(JSON.stringify(epoch)) as Record<string, unknown>
      await governor.put(`at://${governor.did}/${EPOCH}/at.0`, record)
    }
    const begin = async (node: NodeProcess) => {
      Object.assign(node.env, { ANGELOS_TOKEN_GENESIS: file })
      await node.stop()
      await node.start()
    }
    await Promise.all(nodes.map(begin))
    return read
  }
  const running = parts.move()
  return Object.assign(state, {
    nodes,
    signers,
    validators,
    found,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  })
}

async function openGate(origin: string, manner: Manner): Promise<Server> {
  const server = createServer((req, res) => {
    void (async () => {
      const body = await readBody(req)
      const how = manner({ url: req.url ?? '', body })
      if (how === 'drop') return res.destroy()
      if (how !== 'forward') {
        res.setHeader('content-type', 'application/json')
        return res.end(JSON.stringify(await how))
      }
      const { method = 'GET' } = req
      const init =
        method === 'GET' ? {} : { method, body, headers: { 'content-type': 'application/json' } }
      const answer = await fetch(`${origin}${req.url}`, init)
      res.statusCode = answer.status
      res.setHeader('content-type', 'application/json')
      return res.end(await answer.text())
    })().catch(() => res.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
