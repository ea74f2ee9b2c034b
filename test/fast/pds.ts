import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Secp256k1Keypair } from '@atproto/crypto'
import { PDS } from '@atproto/pds'
import type * as PlcPackage from '@did-plc/server'
import { type Flush } from '../../src/pds/fast/group-sync.ts'
import { fasten } from '../../src/pds/fast/fasten.ts'
import { type Switches } from '../../src/pds/fast/switches.ts'

// A CommonJS package whose default import is not the same under Node and vitest.
const plc: typeof PlcPackage = createRequire(import.meta.url)('@did-plc/server')

export type Plc = { url: string; close(): Promise<void> }
export type TestPds = { pds: PDS; origin: string; dir: string; close(): Promise<void> }

const ADMIN = 'admin-pass'
/** The header of the administrator of every server started here. */
export const adminAuthorization = `Basic ${Buffer.from(`admin:${ADMIN}`).toString('base64')}`

/** A port of the loopback interface that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** An in-memory PLC directory. */
export async function startPlc(): Promise<Plc> {
  const port = await freePort()
  const server = plc.PlcServer.create({ db: plc.Database.mock(), port })
  await server.start()
  return { url: `http://localhost:${port}`, close: () => server.destroy() }
}

/**
 * A PDS on the loopback interface: as the package makes it without `switches`, else fastened. It
 * removes its folder when it closes, unless the folder was given.
 */
export async function startPds(options: {
  plcUrl: string
  switches?: Switches
  dir?: string
  flush?: Flush
  serviceDid?: string
}): Promise<TestPds> {
  const dir = options.dir ?? (await mkdtemp(path.join(os.tmpdir(), 'fast-pds-')))
  const port = await freePort()
  const rotation = await Secp256k1Keypair.create({ exportable: true })
  const pds = await PDS.fromEnv({
    devMode: true,
    port,
    hostname: 'localhost',
    ...(options.serviceDid !== undefined && { serviceDid: options.serviceDid }),
    dataDirectory: dir,
    blobstoreDiskLocation: path.join(dir, 'blobs'),
    didPlcUrl: options.plcUrl,
    adminPassword: ADMIN,
    jwtSecret: 'jwt-secret-jwt-secret',
    plcRotationKeyK256PrivateKeyHex: Buffer.from(await rotation.export()).toString('hex'),
    inviteRequired: false,
    serviceHandleDomains: ['.test'],
  })
  if (options.switches) {
    fasten(pds, options.switches, options.flush ? { flush: options.flush } : {})
  }
  await pds.start()
  return {
    pds,
    origin: `http://localhost:${port}`,
    dir,
    close: async () => {
      await pds.destroy()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A handle nobody has. */
export function freshHandle(): string {
  return `u${randomBytes(6).toString('hex')}.test`
}
