import { mkdtemp, rm } from 'node:fs/promises'
import type http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import { l } from '@atproto/lex'
import { type PDS } from '@atproto/pds'
import { Database } from '@did-plc/server'
import { silentLog } from '../../src/log.ts'
import { createPds, type Embedded } from '../../src/pds/embed.ts'
import { didDocument, serviceDid } from '../../src/pds/identity.ts'
import { lexiconValidator } from '../../src/pds/lexicon-validator.ts'
import { mountOrigin, type OriginRoutes } from '../../src/pds/origin.ts'
import { servePlc } from '../../src/pds/plc.ts'
import { type PdsSettings } from '../../src/pds/settings.ts'
import { validateWrites } from '../../src/pds/validate.ts'

/** A directory in memory, for tests in which its lasting is not the point. */
export const startMemoryPlc = () => servePlc(Database.mock())

export const freePort = async (): Promise<number> => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** Record types of the tests: small, so that they stay as they are while the lexicons grow. */
export const message = l.record(
  'tid',
  'co.kendev.test.message',
  l.object({
    text: l.string({ maxLength: 100 }),
    tags: l.optional(l.array(l.string({ maxLength: 10 }))),
    image: l.optional(l.blob({ accept: ['image/*'], maxSize: 1_000 })),
  }),
)
export const profile = l.record(
  'literal:self',
  'co.kendev.test.profile',
  l.object({ name: l.string({ minLength: 1 }) }),
)

export type TestNode = {
  url: string
  did: string
  pds: PDS
  dataDir: string
  adminPassword: string
  createUser(handle: string): Promise<User>
  close(): Promise<void>
}
export type User = { did: string; handle: string; token: string }

const noRoutes: OriginRoutes = { handles: () => false, request: () => {}, upgrades: new Map() }

/** A whole node of the PDS part: validated writes, origin in front, on a free loopback port. */
export async function startNode(options: {
  plcUrl: string
  routes?: OriginRoutes
  change?: Partial<PdsSettings>
  beforeValidate?: (pds: PDS) => void
  afterValidate?: (pds: PDS) => void
}): Promise<TestNode> {
  const port = await freePort()
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'angelos-pds-'))
  const did = serviceDid('localhost', port, true)
  const url = `http://localhost:${port}`
  const settings = await testSettings({ port, dataDir, serviceDid: did, plcUrl: options.plcUrl })
  const embedded = await createPds({ ...settings, ...options.change })
  options.beforeValidate?.(embedded.pds)
  validateWrites(embedded.pds, lexiconValidator([message, profile]))
  options.afterValidate?.(embedded.pds)
  await startOrigin(embedded, { did, url, routes: options.routes ?? noRoutes })
  return {
    url,
    did,
    pds: embedded.pds,
    dataDir,
    adminPassword: settings.secrets.adminPassword,
    createUser: (handle) => createUser(url, handle),
    close: async () => {
      await embedded.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function startOrigin(
  { pds, start }: Embedded,
  node: { did: string; url: string; routes: OriginRoutes },
): Promise<void> {
  const serviceKey = await Secp256k1Keypair.create()
  const validatorKey = await P256Keypair.create()
  await start((server: http.Server) =>
    mountOrigin({
      server,
      pdsApp: pds.app,
      routes: node.routes,
      serviceDid: node.did,
      log: silentLog,
      didDocument: () =>
        didDocument({
          did: node.did,
          publicUrl: node.url,
          serviceKey: serviceKey.did(),
          validatorKey: validatorKey.did(),
          account: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa',
        }),
    }),
  )
}

export async function testSettings(
  node: Pick<PdsSettings, 'port' | 'dataDir' | 'serviceDid' | 'plcUrl'>,
): Promise<PdsSettings> {
  const key = await Secp256k1Keypair.create({ exportable: true })
  return {
    ...node,
    hostname: 'localhost',
    host: '127.0.0.1',
    handleDomains: ['.test'],
    secrets: {
      jwtSecret: 'secret-of-the-tests-only',
      adminPassword: 'password-of-the-tests',
      plcRotationKeyHex: Buffer.from(await key.export()).toString('hex'),
    },
    development: true,
    inviteRequired: false,
    rateLimits: { enabled: false },
    crawlers: [],
    blobstore: { kind: 'disk' },
    blobUploadLimitBytes: 100_000,
  }
}

async function createUser(url: string, handle: string): Promise<User> {
  const { status, body } = await post(url, 'com.atproto.server.createAccount', {
    body: { handle, email: `${handle}@example.com`, password: 'a-password' },
  })
  if (status !== 200) throw new Error(`${handle}: ${String(body.message)}`)
  return { did: String(body.did), handle, token: String(body.accessJwt) }
}

export type Answer = { status: number; body: Record<string, unknown> }

/** Calls a procedure with a JSON body. */
export async function post(
  url: string,
  nsid: string,
  input: { body: unknown; token?: string; headers?: Record<string, string> },
): Promise<Answer> {
  const response = await fetch(`${url}/xrpc/${nsid}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(input.token !== undefined && { authorization: `Bearer ${input.token}` }),
      ...input.headers,
    },
    body: JSON.stringify(input.body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Calls a query; `path` is the NSID with its parameters. */
export async function get(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/xrpc/${path}`, { headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
