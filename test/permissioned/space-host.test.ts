import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../person.ts'
import {
  type SpaceReader,
  ask,
  createAppKey,
  delegationOf,
  exchange,
  readerOf,
} from './space-client.ts'
import { startWebService } from './web-service.ts'
import {
  GARDEN,
  type World,
  admit,
  as,
  createSpace,
  open,
  policy,
  saying,
  startWorld,
  writePost,
  asking,
} from './world.ts'

let world: World
let ada: Person
let ben: Person
let space: string
let reader: SpaceReader
const at = (nsid: string) => `com.atproto.space.${nsid}`
const simple = (nsid: string) => `com.atproto.simplespace.${nsid}`
type Repos = { repos: { did: string; repoRev: string; spaceRev: string }[]; cursor?: string }

beforeAll(async () => {
  world = await startWorld()
  ada = await world.person(world.here)
  ben = await world.person(world.there)
  space = await createSpace(ada)
  await admit(ada, space, ben.did)
  reader = await readerOf(ben, { home: world.here.url, host: world.here.url, space })
})
afterAll(async () => world?.[Symbol.asyncDispose]())

async function repos(cursor = '', of = space): Promise<Repos> {
  const query = { space: of, ...(cursor && { cursor }) }
  return (await reader.get(asking(at('listRepos'), query), ada.did)).body as Repos
}

/** Asks a node as a service does, with a token of an account for that service and method. */
async function tell(from: Person, aud: string, nsid: string, body: unknown) {
  const { token } = await from.get<{ token: string }>('com.atproto.server.getServiceAuth', {
    aud,
    lxm: nsid,
  })
  const headers = { authorization: `Bearer ${token}` }
  return {
    once: () => ask(world.here.url, nsid, { headers, body }),
    status: async () => saying(ask(world.here.url, nsid, { headers, body })),
  }
}

test('an account makes spaces, describes and changes them, and nobody else does', async () => {
  const skey = 'allotment'
  const uri = await createSpace(ada, { skey })
  expect(uri).toBe(`at://${ada.did}/space/${GARDEN}/${skey}`)
  const { post, get } = as(ada, world.here.url)
  const body = { spaceType: GARDEN, readPolicy: policy.public, writePolicy: policy.public }
  const made = (change: object) => saying(post(simple('createSpace'), { ...body, ...change }))
  expect(await made({ skey, appAccess: open })).toBe('400 SpaceAlreadyExists')
  const allowList = {
    $type: 'com.atproto.simplespace.defs#allowList',
    allowed: ['https://x.example'],
  }
  expect(await made({ appAccess: allowList })).toBe('400 UnsupportedAppAccess')
  const odd = { $type: 'com.example.garden.defs#moonPolicy' }
  expect(await made({ appAccess: open, readPolicy: odd })).toBe('400 UnsupportedPolicy')
  const update = (change: object) => saying(post(simple('updateSpace'), { space: uri, ...change }))
  expect(await update({ readPolicy: odd })).toBe('400 UnsupportedPolicy')
  expect(await update({ appAccess: allowList })).toBe('400 UnsupportedAppAccess')
  expect(await update({ readPolicy: policy.public })).toBe('200')
  expect((await get(simple('getSpace'), { space: uri })).body).toEqual({
    uri,
    readPolicy: policy.public,
    writePolicy: policy.members,
    appAccess: open,
  })
  const cora = as(await world.person(world.here), world.here.url)
  expect(await saying(cora.get(simple('getSpace'), { space }))).toBe('400 SpaceNotFound')
  for (const name of ['updateSpace', 'deleteSpace', 'putMember', 'removeMember'])
    expect(
      await saying(cora.post(simple(name), { space, did: ben.did, read: true, write: true })),
      name,
    ).toBe('403 NotSpaceOwner')
  expect(await saying(cora.get(simple('listMembers'), { space }))).toBe('403 NotSpaceOwner')
  for (const name of ['updateSpace', 'deleteSpace', 'putMember', 'removeMember'])
    expect(
      await saying(
        post(simple(name), { space: `${space}x`, did: ben.did, read: true, write: true }),
      ),
      name,
    ).toBe('400 SpaceNotFound')
  expect(await saying(get(simple('listMembers'), { space: `${space}x` }))).toBe('400 SpaceNotFound')
})

test('the owner lists the members in pages; a credential is not enough for that', async () => {
  const uri = await createSpace(ada)
  const dids = [ben.did, (await world.person(world.there)).did, ada.did].toSorted()
  for (const did of dids) await admit(ada, uri, did, { read: true, write: did === ben.did })
  const seen: object[] = []
  let cursor: string | undefined
  do {
    const page: { members: object[]; cursor?: string } = await ada.get(simple('listMembers'), {
      space: uri,
      limit: 2,
      cursor,
    })
    seen.push(...page.members)
    cursor = page.cursor
  } while (cursor)
  expect(seen).toEqual(dids.map((did) => ({ did, read: true, write: did === ben.did })))
  const asked = reader.get(asking(simple('listMembers'), { space }), ada.did)
  expect((await asked).status).toBe(400)
})

test('the host knows who writes, in one order, and each page goes on after the one before', async () => {
  await writePost(ada, space, 'First', 'one')
  await writePost(ben, space, 'Second', 'two')
  await expect
    .poll(async () => (await repos()).repos.map(({ did }) => did))
    .toEqual([ada.did, ben.did])
  const { repos: listed, cursor } = await repos()
  expect(listed[0]!.spaceRev < listed[1]!.spaceRev).toBe(true)
  const latest = await ben.get<{ commit: { rev: string; hash: object } }>(at('getLatestCommit'), {
    space,
    repo: ben.did,
  })
  expect(listed[1]).toMatchObject({ repoRev: latest.commit.rev, hash: latest.commit.hash })
  expect(await repos(cursor)).toEqual({ repos: [] })
  await writePost(ada, space, 'Third', 'three')
  expect((await repos(cursor)).repos.map(({ did }) => did)).toEqual([ada.did])
  const none = await ask(world.here.url, asking(at('listRepos'), { space }))
  expect(none.body['error']).toBe('BadSpaceSignature')
})

test('a repo that the write policy does not admit is not tracked', async () => {
  const uri = await createSpace(ada, { readPolicy: policy.public })
  const cora = await world.person(world.here)
  await writePost(cora, uri, 'I was never asked')
  const dee = await world.person(world.there)
  const aud = `${ada.did}#atproto_space_host`
  const { commit } = await ada.get<{ commit: { rev: string; hash: object } }>(
    at('getLatestCommit'),
    { space, repo: ada.did },
  )
  const body = { space: uri, repo: dee.did, repoRev: commit.rev, hash: commit.hash }
  expect(await (await tell(dee, aud, at('notifyWrite'), body)).status()).toBe(
    '403 UserNotAuthorized',
  )
  const hers = await readerOf(dee, { home: world.here.url, host: world.here.url, space: uri })
  const listed = await hers.get(asking(at('listRepos'), { space: uri }), ada.did)
  expect(listed.body).toEqual({ repos: [] })
})

test('what is told of a write must come from the repo, once, for this host, and not from the future', async () => {
  const aud = `${ada.did}#atproto_space_host`
  const { commit } = await ben.get<{ commit: { rev: string; hash: object } }>(
    at('getLatestCommit'),
    { space, repo: ben.did },
  )
  const body = { space, repo: ben.did, repoRev: commit.rev, hash: commit.hash }
  const notice = async (change: object, from = ben, to = aud) =>
    tell(from, to, at('notifyWrite'), { ...body, ...change })
  const good = await notice({})
  expect(await good.status()).toBe('200')
  expect(await good.status()).toBe('401 JwtReplayed')
  expect(await (await notice({ repo: ada.did })).status()).toBe('401 BadJwtIssuer')
  expect(await (await notice({}, ben, world.here.did)).status()).toBe('401 BadJwtAudience')
  const wrongHost = `${ben.did}#atproto_space_host`
  expect(await (await notice({}, ben, wrongHost)).status()).toBe('401 BadJwtAudience')
  expect(await (await notice({ space: `${space}x` })).status()).toBe('400 SpaceNotFound')
  expect(await (await notice({ repoRev: '7zzzzzzzzzzzz' })).status()).toBe('400 FutureRev')
  const before = await repos()
  expect(await (await notice({ repoRev: '3aaaaaaaaaa22' })).status()).toBe('200')
  expect(await repos()).toEqual(before)
})

test('a registered service is told of each write with its place, until it goes away', async () => {
  await using listener = await startWebService()
  const service = `${listener.did}#listener`
  const register = (name: string) =>
    reader.post(at('registerNotify'), { space, service: name }, ada.did)
  const { body } = await register(service)
  const left = Date.parse(String(body['expiresAt'])) - Date.now()
  expect(left).toBeGreaterThan(23 * 3_600_000)
  expect(left).toBeLessThanOrEqual(24 * 3_600_000)
  for (const bad of ['nonsense', `${listener.did}#nothing`, 'did:web:localhost%3A1#x'])
    expect(await saying(register(bad)), bad).toBe('400 ServiceNotResolvable')
  await writePost(ada, space, 'Somebody listens')
  await expect.poll(() => listener.sent.length).toBe(1)
  const [first] = listener.sent
  expect(first).toMatchObject({
    nsid: at('notifyWrite'),
    claims: { iss: ada.did, aud: service, lxm: at('notifyWrite') },
    body: { space, repo: ada.did },
  })
  await writePost(ben, space, 'From afar')
  await expect.poll(() => listener.sent.length).toBe(2)
  const { spaceRev, prevSpaceRev } = listener.sent[1]!.body as Record<string, string>
  expect(prevSpaceRev).toBe((first!.body as Record<string, string>)['spaceRev'])
  expect(spaceRev! > prevSpaceRev!).toBe(true)
  listener.answer = () => ({ status: 503, body: {} })
  await writePost(ada, space, 'It was away for a moment')
  await expect.poll(() => listener.sent.length).toBe(3)
  listener.answer = () => ({ status: 200, body: {} })
  await expect.poll(() => listener.sent.length).toBe(4)
  expect(listener.sent[3]!.body).toEqual(listener.sent[2]!.body)
  await reader.post(at('unregisterNotify'), { space, service }, ada.did)
  await reader.post(at('unregisterNotify'), { space, service }, ada.did)
  await writePost(ada, space, 'Nobody listens')
  await repos()
  expect(listener.sent.length).toBe(4)
})

test('a deleted space is gone for all but those who have to learn that', async () => {
  await using listener = await startWebService()
  const uri = await createSpace(ada, { skey: 'short-lived' })
  await admit(ada, uri, ben.did)
  await writePost(ada, uri, 'By the authority')
  const his = await readerOf(ben, { home: world.here.url, host: world.here.url, space: uri })
  await his.post(at('registerNotify'), { space: uri, service: `${listener.did}#listener` }, ada.did)
  const late = await delegationOf(ben, uri)
  await ada.call(simple('deleteSpace'), { space: uri })
  await ada.call(simple('deleteSpace'), { space: uri })
  await expect.poll(() => listener.sent.map(({ nsid }) => nsid)).toContain(at('notifySpaceDeleted'))
  const traded = exchange(world.here.url, { token: late, key: createAppKey(), space: uri })
  expect(await saying(traded)).toBe('400 SpaceDeleted')
  const { post, get } = as(ada, world.here.url)
  expect(await saying(get(simple('getSpace'), { space: uri }))).toBe('400 SpaceNotFound')
  const mine = { space: uri, repo: ada.did }
  expect(await saying(get(at('listRecords'), mine))).toBe('400 SpaceNotFound')
  const record = { ...mine, collection: 'com.example.garden.post', record: {} }
  expect(await saying(post(at('createRecord'), record))).toBe('400 SpaceNotFound')
  expect(await saying(his.get(asking(at('listRepos'), { space: uri }), ada.did))).toBe(
    '401 CredentialRevoked',
  )
  expect(await createSpace(ada, { skey: 'short-lived' })).toBe(uri)
})

test('who does not follow a space says so, and hears only of an authority itself', async () => {
  const service = `${world.here.did}#angelos_appview`
  const { repos: listed } = await repos()
  const { did: repo, ...state } = listed[0]!
  const body = { space, repo, ...state }
  const wrote = async (from: Person, change = {}) =>
    (await tell(from, service, at('notifyWrite'), { ...body, ...change })).status()
  expect(await wrote(ben)).toBe('401 BadJwtIssuer')
  expect(await wrote(ada, { spaceRev: undefined })).toBe('400 InvalidRequest')
  const elsewhere = { space: space.replace(ada.did, ben.did) }
  expect(await wrote(ben, elsewhere)).toBe('400 SpaceNotFound')
  const gone = (from: Person, of = { space }) => tell(from, service, at('notifySpaceDeleted'), of)
  expect(await (await gone(ben)).status()).toBe('401 BadJwtIssuer')
  expect(await (await gone(ben, elsewhere)).status()).toBe('400 SpaceNotFound')
})

test('only the authority revokes, at the host of a repo of the space', async () => {
  const nsid = at('notifyCredentialRevoked')
  const dee = await world.person(world.here)
  const body = { space, credentials: ['some-id'] }
  expect(await (await tell(ada, dee.did, nsid, body)).status()).toBe('200')
  expect(await (await tell(ben, dee.did, nsid, body)).status()).toBe('401 BadJwtIssuer')
  expect(await (await tell(ada, ben.did, nsid, body)).status()).toBe('401 BadJwtAudience')
  const many = { space, credentials: Array.from({ length: 101 }, (_, n) => `id-${n}`) }
  expect(await (await tell(ada, dee.did, nsid, many)).status()).toBe('400 InvalidRequest')
})

test('who is no authority of an audience learns nothing of who belongs to it', async () => {
  const nsid = simple('checkUserAccess')
  const query = { space, user: ben.did, access: 'read' }
  const check = async (from: Person) => {
    const { token } = await from.get<{ token: string }>('com.atproto.server.getServiceAuth', {
      aud: world.here.did,
      lxm: nsid,
    })
    const headers = { authorization: `Bearer ${token}` }
    return saying(ask(world.here.url, asking(nsid, query), { headers }))
  }
  expect(await check(ben)).toBe('401 BadJwtIssuer')
  expect(await check(ada)).toBe('400 SpaceNotFound')
})
