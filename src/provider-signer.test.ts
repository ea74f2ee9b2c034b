import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { p256Signer } from './crypto/p256.ts'
import type { Identity } from './identity/identity.ts'
import { providerSigner } from './provider-signer.ts'

const HEX = '11'.repeat(32)
const LP = 'did:plc:lp2222222222222222222222'
const own = p256Signer(Buffer.from(HEX, 'hex'))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'angelos-provider-'))
  await writeFile(join(folder, 'good'), `${HEX}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'bad'), 'a key', { mode: 0o600 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The key that the account spends with, whose document names this device key. */
const signer = (file: string | undefined, angel: string | undefined) => {
  const method = {
    id: '#angel',
    type: 'Multikey',
    controller: LP,
    publicKeyMultibase: angel?.slice('did:key:'.length),
  }
  const document = { id: LP, verificationMethod: angel === undefined ? [] : [method] }
  const identity = { did: LP, signingKey: own.didKey, pds: '', document } as Identity
  const named = file === undefined ? undefined : join(folder, file)
  const config = { ANGELOS_TOKEN_PROVIDER_KEY_FILE: named }
  return providerSigner({ config, resolver: { resolve: async () => identity } })(LP)
}

test('a provider spends with the key of the file where its document names it', async () => {
  expect((await signer('good', own.didKey))?.didKey).toBe(own.didKey)
  expect(await signer('good', undefined)).toBeUndefined()
})

test('with a device key that is kept elsewhere the node spends nothing', async () => {
  const other = p256Signer().didKey
  await expect(signer('good', other)).rejects.toThrow('a device key that this node does not have')
  await expect(signer(undefined, other)).rejects.toThrow('does not have')
  await expect(signer('bad', own.didKey)).rejects.toThrow('no key of 64')
})
