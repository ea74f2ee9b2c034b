import { type RequestListener, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Secp256k1Keypair } from '@atproto/crypto'
import { expect, test } from 'vitest'
import { silentLog } from '../log.ts'
import { IdentityUnavailable } from './fetch-document.ts'
import { type IdentityResolver, createIdentityResolver } from './resolver.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const first = (await Secp256k1Keypair.create()).did()
const second = (await Secp256k1Keypair.create()).did()

test('an account is described by its document: key, PDS and the handle it claims', async () => {
  await using world = await createWorld()
  expect(await world.resolver.resolve(DID)).toMatchObject({
    did: DID,
    signingKey: first,
    pds: 'https://pds.example.net',
    handle: 'alice.test',
  })
})

test('a fresh document is not fetched again, an old one serves while a new one comes', async () => {
  await using world = await createWorld()
  await world.resolver.resolve(DID)
  world.document = documentOf({ key: second })
  world.pass(9 * MINUTE)
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
  expect(world.requests()).toBe(1)
  world.pass(2 * MINUTE)
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
  await expect.poll(async () => (await world.resolver.resolve(DID))?.signingKey).toBe(second)
  expect(world.requests()).toBe(2)
})

test('after a day an old document is no longer used', async () => {
  await using world = await createWorld()
  await world.resolver.resolve(DID)
  world.document = documentOf({ key: second })
  world.pass(25 * HOUR)
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(second)
})

test('while the directory is down a cached document serves for a day and no longer', async () => {
  await using world = await createWorld()
  await world.resolver.resolve(DID)
  world.status = 503
  for (let passed = 0; passed < 3; passed += 1) {
    world.pass(7 * HOUR)
    expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
    await expect.poll(() => world.requests()).toBe(passed + 2)
  }
  world.pass(4 * HOUR)
  await expect(world.resolver.resolve(DID)).rejects.toThrow(IdentityUnavailable)
})

test('a refresh fetches again, but not more than five times in ten seconds', async () => {
  await using world = await createWorld()
  await world.resolver.resolve(DID)
  for (let round = 0; round < 8; round += 1) await world.resolver.resolve(DID, { refresh: true })
  expect(world.requests()).toBe(6)
  world.document = documentOf({ key: second })
  expect((await world.resolver.resolve(DID, { refresh: true }))?.signingKey).toBe(first)
  world.pass(11_000)
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(second)
})

test('a refresh that fails does so however often it is asked for', async () => {
  await using world = await createWorld()
  await world.resolver.resolve(DID)
  world.status = 503
  for (let round = 0; round < 8; round += 1) {
    const answer = world.resolver.resolve(DID, { refresh: true })
    await expect(answer).rejects.toThrow(IdentityUnavailable)
  }
  expect(world.requests()).toBe(6)
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
})

test('resolves of one DID at the same time share one request', async () => {
  await using world = await createWorld()
  const all = await Promise.all(Array.from({ length: 50 }, () => world.resolver.resolve(DID)))
  expect(all.every((identity) => identity?.signingKey === first)).toBe(true)
  expect(world.requests()).toBe(1)
})

test('an unknown or tombstoned account is asked for again only after a while', async () => {
  for (const status of [404, 410]) {
    await using world = await createWorld()
    world.status = status
    expect(await world.resolver.resolve(DID)).toBeUndefined()
    world.status = 200
    expect(await world.resolver.resolve(DID)).toBeUndefined()
    expect(world.requests()).toBe(1)
    world.pass(MINUTE)
    expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
  }
})

test('an outage is not taken for an answer', async () => {
  await using world = await createWorld()
  for (const status of [500, 503, 429]) {
    world.status = status
    await expect(world.resolver.resolve(DID)).rejects.toThrow(IdentityUnavailable)
  }
  world.status = 200
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(first)
})

test('after invalidate an answer that was already on its way is not kept', async () => {
  await using world = await createWorld()
  const early = world.resolver.resolve(DID)
  await expect.poll(() => world.requests()).toBe(1)
  world.resolver.invalidate(DID)
  world.document = documentOf({ key: second })
  await early
  expect((await world.resolver.resolve(DID))?.signingKey).toBe(second)
})

test('a document of another DID, without a key or without a PDS is no account', async () => {
  const bad = [
    '<html>',
    '[]',
    'null',
    JSON.stringify({ ...documentOf({}), id: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' }),
    JSON.stringify({ ...documentOf({}), verificationMethod: [] }),
    JSON.stringify({ ...documentOf({}), service: [] }),
    JSON.stringify(documentOf({ key: `did:key:z${'1'.repeat(30_000)}` })),
    JSON.stringify(documentOf({ key: 'did:key:zQ3shNonsense' })),
    JSON.stringify({ ...documentOf({}), padding: 'x'.repeat(40_000) }),
  ]
  for (const body of bad) {
    await using world = await createWorld()
    world.body = body
    expect(await world.resolver.resolve(DID)).toBeUndefined()
  }
})

test('DIDs of other methods, with paths, ports or bad syntax are not asked for', async () => {
  await using world = await createWorld({ development: false })
  const dids = [
    '',
    'did:key:zQ3sh',
    'did:plc:../../admin',
    'did:plc:AAAAAAAAAAAAAAAAAAAAAAAA',
    'did:web:localhost',
    'did:web:localhost%3A80',
    'did:web:127.0.0.1',
    'did:web:example.net%3A22',
    'did:web:example.net:path',
    `did:web:${'a'.repeat(3000)}.net`,
  ]
  for (const did of dids.filter((name) => name !== 'did:web:localhost')) {
    expect(await world.resolver.resolve(did)).toBeUndefined()
  }
  await expect(world.resolver.resolve('did:web:localhost')).rejects.toThrow(IdentityUnavailable)
  expect(world.requests()).toBe(0)
})

test('in development a did:web of this machine is read over plain http', async () => {
  await using world = await createWorld()
  const did = `did:web:localhost%3A${world.port}`
  world.document = documentOf({ did })
  expect((await world.resolver.resolve(did))?.did).toBe(did)
})

test('a document the node answers for itself is never fetched', async () => {
  const own = documentOf({ key: second, did: 'did:web:node.example.net' })
  const overrides = (did: string) => (did === own.id ? own : undefined)
  await using world = await createWorld({ overrides })
  expect((await world.resolver.resolve(own.id))?.signingKey).toBe(second)
  expect(world.requests()).toBe(0)
})

test('a handle counts only when it points back to the account that claims it', async () => {
  await using world = await createWorld()
  world.document = documentOf({ pds: `http://localhost:${world.port}` })
  const identity = await world.resolver.resolve(DID)
  if (identity === undefined) throw new Error('not resolved')
  expect(await world.resolver.verifyHandle(identity)).toBe('alice.test')
  const thief = { ...identity, did: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb' }
  expect(await world.resolver.verifyHandle(thief)).toBeUndefined()
  expect(await world.resolver.verifyHandle({ ...identity, handle: 'b@d' })).toBeUndefined()
  world.status = 500
  expect(await world.resolver.verifyHandle(identity)).toBeUndefined()
})

function documentOf(parts: { key?: string; pds?: string; did?: string }) {
  const did = parts.did ?? DID
  return {
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: did,
    alsoKnownAs: ['at://Alice.test'],
    verificationMethod: [
      {
        id: `${did}#atproto`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: (parts.key ?? first).slice('did:key:'.length),
      },
    ],
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: `${parts.pds ?? 'https://pds.example.net'}/`,
      },
    ],
  }
}

type World = {
  resolver: IdentityResolver
  port: number
  status: number
  document: object
  body: string | undefined
  requests(): number
  pass(milliseconds: number): void
  [Symbol.asyncDispose](): Promise<void>
}

/** A directory, a web host and a PDS in one server, and a clock that stands still. */
async function createWorld(
  options: Partial<Parameters<typeof createIdentityResolver>[0]> = {},
): Promise<World> {
  let now = Date.UTC(2026, 0, 1)
  let requests = 0
  const listener: RequestListener = (request, response) => {
    requests += 1
    response.statusCode = world.status
    const isHandle = request.url?.includes('resolveHandle?handle=alice.test')
    const body = isHandle ? { did: DID } : world.document
    response.end(world.body ?? JSON.stringify(body))
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, resolve)
  })
  const { port } = server.address() as AddressInfo
  const world: World = {
    resolver: createIdentityResolver({
      plcUrl: `http://localhost:${port}`,
      development: true,
      clock: { now: () => new Date(now) },
      log: silentLog,
      ...options,
    }),
    port,
    status: 200,
    document: documentOf({}),
    body: undefined,
    requests: () => requests,
    pass: (milliseconds) => {
      now += milliseconds
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
  return world
}
