import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Keypair } from '@atproto/crypto'
import { createPds } from '../src/pds/embed.ts'
import { serviceDid } from '../src/pds/identity.ts'
import { freePort, testSettings } from './pds/network.ts'

/** A PDS that has never heard of us: the package as published, without a check of our lexicons. */
export type ForeignPds = AsyncDisposable & {
  readonly url: string
  readonly did: string
  /** The key an account signs with, to forge what its PDS would never sign. */
  keyOf(did: string): Promise<Keypair>
  /** The key that may change the DID documents of its accounts, for those who move away. */
  readonly rotationKey: Keypair
}

/** Starts one on a free port, with the directory given. Handles end in `.foreign.test`. */
export async function startForeignPds(plcUrl: string): Promise<ForeignPds> {
  const dataDir = await mkdtemp(join(tmpdir(), 'angelos-foreign-'))
  const port = await freePort()
  const did = serviceDid('localhost', port, true)
  const settings = await testSettings({ port, dataDir, plcUrl, serviceDid: did })
  const embedded = await createPds({ ...settings, handleDomains: ['.foreign.test'] })
  await embedded.start()
  return {
    url: `http://localhost:${port}`,
    did,
    rotationKey: embedded.pds.ctx.plcRotationKey,
    keyOf: (account) => embedded.pds.ctx.actorStore.keypair(account),
    [Symbol.asyncDispose]: async () => {
      await embedded.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
