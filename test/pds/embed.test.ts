import { mkdtemp, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { envToCfg, type ServerEnvironment } from '@atproto/pds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPds } from '../../src/pds/embed.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { toEnvironment } from '../../src/pds/settings.ts'
import { freePort, get, post, startMemoryPlc, testSettings } from './network.ts'

let plc: Plc
let folder: string

beforeAll(async () => {
  plc = await startMemoryPlc()
  folder = await mkdtemp(path.join(os.tmpdir(), 'angelos-embed-'))
})
afterAll(async () => {
  await plc?.close()
  await rm(folder, { recursive: true, force: true })
})

const settings = async (name: string) => {
  const port = await freePort()
  return testSettings({
    port,
    dataDir: path.join(folder, name),
    serviceDid: `did:web:localhost%3A${port}`,
    plcUrl: plc.url,
  })
}

test('accounts are still there after a restart, in a folder only the owner can open', async () => {
  const options = await settings('restart')
  const url = `http://localhost:${options.port}`
  const first = await createPds(options)
  await first.start()
  const made = await post(url, 'com.atproto.server.createAccount', {
    body: { handle: 'alice.test', email: 'alice@example.com', password: 'a-password' },
  })
  await first.close()
  await first.close()
  expect((await stat(options.dataDir)).mode & 0o777).toBe(0o700)
  const second = await createPds(options)
  await second.start()
  const repo = await get(url, `com.atproto.repo.describeRepo?repo=${String(made.body.did)}`)
  expect(repo.body).toMatchObject({ handle: 'alice.test' })
  await second.close()
})

test('the node answers for its own handles, and in development as told for others', async () => {
  const options = await settings('handles')
  const asked: string[] = []
  const resolveHandle = async (handle: string) => {
    asked.push(handle)
    return handle === 'bob.other.example' ? 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' : undefined
  }
  const { pds, start, close } = await createPds({ ...options, resolveHandle })
  await start()
  const made = await post(`http://localhost:${options.port}`, 'com.atproto.server.createAccount', {
    body: { handle: 'carol.test', email: 'carol@example.com', password: 'a-password' },
  })
  const { handle } = pds.ctx.idResolver
  expect(await handle.resolve('Carol.test')).toBe(made.body.did)
  expect(await handle.resolve('bob.other.example')).toBe('did:plc:bbbbbbbbbbbbbbbbbbbbbbbb')
  expect(asked).toEqual(['bob.other.example'])
  await close()
})

test('production needs a public name, and a public URL of its own is used throughout', async () => {
  const options = { ...(await settings('production')), development: false }
  await expect(createPds(options)).rejects.toThrow('https')
  const publicUrl = 'https://pds.node.example'
  const { pds, close } = await createPds({ ...options, hostname: 'node.example', publicUrl })
  expect(pds.ctx.cfg.service).toMatchObject({ publicUrl, devMode: false })
  expect(pds.ctx.cfg.oauth.issuer).toBe(publicUrl)
  expect(pds.ctx.cfg.fetch.disableSsrfProtection).toBe(false)
  await close()
})

test('a bucket, mail and rate limits reach the configuration of the PDS', async () => {
  const environment = toEnvironment({
    ...(await settings('mapping')),
    blobstore: {
      kind: 's3',
      bucket: 'blobs',
      region: 'eu-central-1',
      endpoint: 'https://s3.example',
      accessKeyId: 'id',
      secretAccessKey: 'key',
      forcePathStyle: true,
    },
    email: { smtpUrl: 'smtp://mail.example', from: 'node@example.com' },
    rateLimits: { enabled: true, bypassKey: 'key', bypassIps: ['10.0.0.0/8'] },
    crawlers: ['https://relay.example'],
    inviteRequired: true,
    contactEmail: 'owner@example.com',
    termsOfServiceUrl: 'https://node.example/terms',
    privacyPolicyUrl: 'https://node.example/privacy',
  })
  expect(envToCfg(environment as ServerEnvironment)).toMatchObject({
    blobstore: {
      provider: 's3',
      bucket: 'blobs',
      region: 'eu-central-1',
      endpoint: 'https://s3.example',
      forcePathStyle: true,
      credentials: { accessKeyId: 'id', secretAccessKey: 'key' },
    },
    email: { smtpUrl: 'smtp://mail.example', fromAddress: 'node@example.com' },
    rateLimits: { enabled: true, bypassKey: 'key', bypassIps: ['10.0.0.0'] },
    crawlers: ['https://relay.example'],
    invites: { required: true },
    service: {
      blobUploadLimit: 100_000,
      contactEmailAddress: 'owner@example.com',
      termsOfServiceUrl: 'https://node.example/terms',
      privacyPolicyUrl: 'https://node.example/privacy',
    },
  })
})
