import { sign } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { P256Keypair } from '@atproto/crypto'
import type { Person } from '../person.ts'
import { forgeToken, withClaim } from '../service-token.ts'
import {
  type SpaceReader,
  ask,
  createAppKey,
  delegationOf,
  exchange,
  exchangeHeaders,
  readerOf,
  useHeaders,
} from './space-client.ts'
import { startWebService } from './web-service.ts'
import {
  POST,
  type World,
  admit,
  as,
  createSpace,
  policy,
  saying,
  startWorld,
  writePost,
  asking,
} from './world.ts'

let world: World
/** the authority, and a member who lives on the other node */
let ada: Person
let ben: Person
let space: string
let reader: SpaceReader
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const at = (nsid: string) => `com.atproto.space.${nsid}`
const path = (nsid: string, params: Record<string, string>) => asking(at(nsid), params)

beforeAll(async () => {
  world = await startWorld()
  ada = await world.person(world.here)
  ben = await world.person(world.there)
  space = await createSpace(ada)
  await admit(ada, space, ben.did)
  await writePost(ada, space, 'Rain tonight', 'rain')
  reader = await readerOf(ben, { home: world.here.url, host: world.here.url, space })
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const record = () => path('getRecord', { space, repo: ada.did, collection: POST, rkey: 'rain' })
const trade = (token: string, key = createAppKey(), of = space) =>
  exchange(world.here.url, { token, key, space: of })

test('a member of another node reads with a credential what nobody reads without one', async () => {
  const found = await reader.get(record(), ada.did)
  expect(found).toMatchObject({ status: 200, body: { value: { text: 'Rain tonight' } } })
  expect(found.headers['cache-control']).toBe('private, no-store')
  for (const name of ['listRecords', 'getLatestCommit', 'getRepo', 'listRepoOps', 'listBlobs'])
    expect((await reader.get(path(name, { space, repo: ada.did }), ada.did)).status, name).toBe(200)
  const described = await reader.get(asking('com.atproto.simplespace.getSpace', { space }), ada.did)
  expect(described.body).toMatchObject({ uri: space, readPolicy: policy.members })
  expect(await saying(ask(world.here.url, record()))).toBe('401 AuthMissing')
})

test('a credential is for one space, and each request for one repo', async () => {
  const other = await createSpace(ada)
  await writePost(ada, other, 'Not for Ben', 'rain')
  const elsewhere = path('getRecord', {
    space: other,
    repo: ada.did,
    collection: POST,
    rkey: 'rain',
  })
  expect(await saying(reader.get(elsewhere, ada.did))).toBe('401 CredentialForAnotherSpace')
  expect(await saying(reader.get(record(), ben.did))).toBe('401 BadSpaceAudience')
  expect(await saying(reader.get(record(), `${ada.did}#atproto_pds`))).toBe('401 BadSpaceAudience')
  const repos = path('listRepos', { space })
  expect(await saying(reader.get(repos, ben.did))).toBe('401 BadSpaceAudience')
  expect(await saying(reader.get(path('listRepos', { space: other }), ada.did))).toBe(
    '401 CredentialForAnotherSpace',
  )
})

test('a request must be signed by the key of the credential, once and as a whole', async () => {
  const { credential, key } = reader
  const good = useHeaders(credential, ada.did, key)
  const get = (headers: Record<string, string> | [string, string][]) =>
    saying(ask(world.here.url, record(), { headers }))
  expect(await get(good)).toBe('200')
  expect(await get(useHeaders(credential, ada.did, createAppKey()))).toBe('401 BadSpaceSignature')
  const der = (base: string) => sign('sha256', Buffer.from(base), key.privateKey)
  expect(await get(useHeaders(credential, ada.did, key, der))).toBe('401 BadSpaceSignature')
  const high = (base: string) => {
    const bytes = key.sign(base)
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const other = Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex')
    return Buffer.concat([bytes.subarray(0, 32), other])
  }
  expect(await get(useHeaders(credential, ada.did, key, high))).toBe('200')
  for (const missing of ['signature', 'signature-input', 'atproto-space-audience']) {
    const { [missing]: _, ...rest } = good
    expect(await get(rest), missing).toBe('401 BadSpaceSignature')
  }
  for (const name of ['authorization', 'atproto-space-audience']) {
    const twice: [string, string][] = [...Object.entries(good), [name, good[name]!]]
    expect(await get(twice), name).toBe('401 BadSpaceSignature')
  }
  const others: Record<string, string> = {
    'signature-input': `other=("@method"), ${good['signature-input']}`,
    signature: `other=:AAAA:, ${good['signature']}`,
  }
  expect(await get({ ...good, ...others })).toBe('200')
})

test('a credential that was changed, or made by somebody else, opens nothing', async () => {
  const { credential, key } = reader
  const get = (token: string) =>
    saying(ask(world.here.url, record(), { headers: useHeaders(token, ada.did, key) }))
  const now = Math.floor(Date.now() / 1000)
  expect(await get(withClaim(credential, { exp: now + 3_000 }))).toBe('401 BadSpaceCredential')
  const mine = await P256Keypair.create()
  const header = { typ: 'atproto-space-credential+jwt', alg: 'ES256', kid: '#atproto' }
  const claims = { iss: ada.did, sub: space, cnf: { kid: key.did } }
  expect(await get(await forgeToken(mine, claims, header))).toBe('401 BadSpaceCredential')
  expect(await get('nonsense')).toBe('401 BadSpaceCredential')
  const delegation = await delegationOf(ben, space)
  expect(await get(delegation)).toBe('401 BadSpaceCredential')
  const bearer = { authorization: `Bearer ${credential}` }
  expect((await ask(world.here.url, record(), { headers: bearer })).status).toBe(400)
})

test('a delegation token is good for one use, at the right host, for its space', async () => {
  const token = await delegationOf(ben, space)
  expect(await saying(trade(token))).toBe('200')
  expect(await saying(trade(token))).toBe('401 JwtReplayed')
  const other = await createSpace(ada, { readPolicy: policy.public })
  expect(await saying(trade(await delegationOf(ben, space), createAppKey(), other))).toBe(
    '400 InvalidDelegationToken',
  )
  const past = withClaim(await delegationOf(ben, space), { aud: `${ben.did}#atproto_space_host` })
  expect(await saying(trade(past))).toBe('400 InvalidDelegationToken')
  expect(await saying(trade('nonsense'))).toBe('400 InvalidDelegationToken')
  const headers = exchangeHeaders(await delegationOf(ben, space), createAppKey())
  const unsigned = { authorization: headers['authorization']! }
  const body = { space }
  const asked = (how: Record<string, string>) =>
    saying(ask(world.here.url, at('getSpaceCredential'), { headers: how, body }))
  expect(await asked(unsigned)).toBe('401 BadSpaceSignature')
  expect(await asked({})).toBe('401 AuthMissing')
  expect(await asked({ ...headers, signature: `atproto-space=:${'A'.repeat(86)}==:` })).toBe(
    '401 BadSpaceSignature',
  )
})

test('a stranger gets no credential, and a space that is not here has none', async () => {
  const cora = await world.person(world.there)
  expect(await saying(trade(await delegationOf(cora, space)))).toBe('403 UserNotAuthorized')
  const none = `${space}x`
  expect(await saying(trade(await delegationOf(ben, none), createAppKey(), none))).toBe(
    '400 SpaceNotFound',
  )
  const writer = await world.person(world.there)
  await admit(ada, space, writer.did, { read: false, write: true })
  expect(await saying(trade(await delegationOf(writer, space)))).toBe('403 UserNotAuthorized')
})

test('who is removed loses the credentials that are out', async () => {
  const cora = await world.person(world.there)
  for (const out of [
    () => ada.call('com.atproto.simplespace.removeMember', { space, did: cora.did }),
    () => admit(ada, space, cora.did, { read: false, write: true }),
  ]) {
    await admit(ada, space, cora.did)
    const hers = await readerOf(cora, { home: world.here.url, host: world.here.url, space })
    expect(await saying(hers.get(record(), ada.did))).toBe('200')
    await out()
    expect(await saying(hers.get(record(), ada.did))).toBe('401 CredentialRevoked')
    expect(await saying(trade(await delegationOf(cora, space)))).toBe('403 UserNotAuthorized')
  }
  expect(await saying(reader.get(record(), ada.did))).toBe('200')
})

test('other hosts of the space are told of a revocation, and no longer take the credential', async () => {
  const cora = await world.person(world.there)
  await writePost(ben, space, 'From the other node', 'rain')
  await admit(ada, space, cora.did)
  const hers = await readerOf(cora, { home: world.there.url, host: world.here.url, space })
  const repos = () => hers.get(path('listRepos', { space }), ada.did)
  const his = path('getRecord', { space, repo: ben.did, collection: POST, rkey: 'rain' })
  expect(await saying(hers.get(his, ben.did))).toBe('200')
  await expect
    .poll(async () =>
      JSON.stringify((await reader.get(path('listRepos', { space }), ada.did)).body),
    )
    .toContain(ben.did)
  void repos
  await ada.call('com.atproto.simplespace.removeMember', { space, did: cora.did })
  await expect.poll(() => saying(hers.get(his, ben.did))).toBe('401 CredentialRevoked')
})

test('a managing app decides, and while it cannot be asked nobody is admitted', async () => {
  await using app = await startWebService()
  const managed = policy.app(`${app.did}#listener`)
  const theirs = await createSpace(ada, { readPolicy: managed, writePolicy: managed })
  const asked = async () => saying(trade(await delegationOf(ben, theirs), createAppKey(), theirs))
  app.answer = () => ({ status: 200, body: { authorized: true } })
  expect(await asked()).toBe('200')
  expect(app.sent[0]).toMatchObject({
    nsid: 'com.atproto.simplespace.checkUserAccess',
    claims: { iss: ada.did, aud: `${app.did}#listener` },
  })
  expect(Object.fromEntries(app.sent[0]!.query)).toEqual({
    space: theirs,
    user: ben.did,
    access: 'read',
  })
  app.answer = () => ({ status: 200, body: { authorized: 'yes' } })
  expect(await asked()).toBe('403 UserNotAuthorized')
  app.answer = () => ({ status: 500, body: {} })
  expect(await asked()).toBe('403 NotAuthorized')
  const here = policy.app(`${world.here.did}#angelos_appview`)
  const ours = await createSpace(ada, { readPolicy: here })
  expect(await saying(trade(await delegationOf(ben, ours), createAppKey(), ours))).toBe(
    '403 UserNotAuthorized',
  )
})

test('an account that is deactivated is not read', async () => {
  const cora = await world.person(world.here)
  await admit(ada, space, cora.did)
  await writePost(cora, space, 'Soon away')
  await cora.call('com.atproto.server.deactivateAccount', {})
  const list = path('listRecords', { space, repo: cora.did })
  expect(await saying(reader.get(list, cora.did))).toBe('400 RepoDeactivated')
  expect(
    await saying(as(cora, world.here.url).get(at('listRecords'), { space, repo: cora.did })),
  ).toBe('400 RepoDeactivated')
  const none = path('listRecords', { space, repo: ben.did })
  expect(await saying(reader.get(none, ben.did))).toBe('400 RepoNotFound')
})
