import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OAuthClient, approveInBrowser } from '../oauth-client.ts'
import type { Person } from '../person.ts'
import { type SpaceReader, createAppKey, delegationOf, exchange, readerOf } from './space-client.ts'
import {
  GARDEN,
  POST,
  type World,
  as,
  createSpace,
  policy,
  saying,
  startWorld,
  writePost,
  asking,
  named,
} from './world.ts'

const PRIVATE = 'co.kendev.spaces.privateSpace'
const at = (nsid: string) => `com.atproto.space.${nsid}`
const simple = (nsid: string) => `com.atproto.simplespace.${nsid}`

let world: World
/** stands for a community; the others are people in it */
let club: Person
let owner: Person
let member: Person
let viewer: Person
let db: pg.Client

beforeAll(async () => {
  world = await startWorld(1)
  club = await world.person(world.here)
  owner = await world.person(world.here)
  member = await world.person(world.here)
  viewer = await world.person(world.here)
  db = new pg.Client(world.here.databaseUrl)
  await db.connect()
  await admitAs(owner, 'owner')
  await admitAs(member, 'member')
  await admitAs(viewer, 'viewer')
})
afterAll(async () => {
  await db?.end()
  await world?.[Symbol.asyncDispose]()
})

const audience = (skey: string) => `at://${club.did}/space/${PRIVATE}/${skey}`
const trade = async (who: Person, space: string) => {
  const token = await delegationOf(who, space)
  return saying(exchange(world.here.url, { token, key: createAppKey(), space }))
}
const reading = (who: Person, space: string): Promise<SpaceReader> =>
  readerOf(who, { home: world.here.url, host: world.here.url, space })

/** What a membership record of the community does, which is tested where those are written. */
async function admitAs(who: Person, role: string) {
  await db.query(
    `insert into repo.admission (authority, subject, role, status, rev)
     values ($1, $2, $3, 'active', '3aaaaaaaaaa22')`,
    [club.did, who.did, role],
  )
}

test('who belongs to an audience follows from roles', async () => {
  expect(await trade(viewer, audience('members'))).toBe('200')
  expect(await trade(member, audience('members'))).toBe('200')
  expect(await trade(member, audience('staff'))).toBe('403 UserNotAuthorized')
  expect(await trade(owner, audience('managers'))).toBe('200')
  const cora = await world.person(world.here)
  expect(await trade(cora, audience('members'))).toBe('403 UserNotAuthorized')
  expect(await trade(member, audience('friends'))).toBe('400 SpaceNotFound')
  const none = `at://${cora.did}/space/${PRIVATE}/members`
  expect(await trade(cora, none)).toBe('400 SpaceNotFound')
})

test('those who run a community list who belongs to an audience, and cannot change the list', async () => {
  const space = audience('members')
  const listed = await owner.get<{ members: object[] }>(simple('listMembers'), { space })
  expect(listed.members).toHaveLength(3)
  expect(listed.members).toContainEqual({ did: viewer.did, read: true, write: false })
  const { get } = as(member, world.here.url)
  expect(await saying(get(simple('listMembers'), { space }))).toBe('403 NotSpaceOwner')
  for (const who of [owner, club]) {
    const { post } = as(who, world.here.url)
    const body = { space, did: member.did, read: true, write: true }
    expect((await post(simple('putMember'), body)).status).toBeGreaterThanOrEqual(400)
    expect(await saying(post(simple('deleteSpace'), { space }))).toBe('403 NotSpaceOwner')
    const update = { space, readPolicy: policy.public }
    expect(await saying(post(simple('updateSpace'), update))).toBe('403 NotSpaceOwner')
  }
  const made = createSpace(club, { spaceType: PRIVATE, skey: 'members' })
  await expect(made).rejects.toMatchObject({ error: 'InvalidRequest' })
})

test('a viewer reads an audience, and writes nothing for it', async () => {
  const space = audience('members')
  await expect(writePost(viewer, space, 'I only look')).rejects.toMatchObject({
    error: 'UserNotAuthorized',
  })
  await writePost(member, space, 'I do too')
  const reader = await reading(viewer, space)
  const query = { space }
  const { body } = await reader.get(asking(at('listRepos'), query), club.did)
  expect((body['repos'] as { did: string }[]).map(({ did }) => did)).toEqual([member.did])
})

test('a file of a space record is for its readers only, and is not run as a page', async () => {
  const space = audience('members')
  const bytes = Buffer.from('<script>alert(1)</script>'.repeat(20))
  const blob = await member.upload(bytes, 'text/html')
  const { ref } = blob as { ref: { $link: string } }
  await member.call(at('createRecord'), {
    space,
    repo: member.did,
    collection: POST,
    rkey: 'file',
    record: { $type: POST, text: 'Attached', file: blob },
  })
  const reader = await reading(viewer, space)
  const where = { space, repo: member.did, cid: ref.$link }
  const found = await reader.get(asking(at('getBlob'), where), member.did)
  expect(found.bytes.equals(bytes)).toBe(true)
  expect(found.headers).toMatchObject({
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
    'content-disposition': `attachment; filename="${ref.$link}"`,
    'content-security-policy': "default-src 'none'; sandbox",
  })
  const list = { space, repo: member.did }
  const listed = await reader.get(asking(at('listBlobs'), list), member.did)
  expect(listed.body).toEqual({ cids: [ref.$link] })
  const { get } = as(member, world.here.url)
  const other = await createSpace(member)
  await writePost(member, other, 'Nothing attached')
  const elsewhere = { space: other, repo: member.did, cid: ref.$link }
  expect(await saying(get(at('getBlob'), elsewhere))).toBe('400 BlobNotFound')
  const open = as(undefined, world.here.url)
  const there = { did: member.did, cid: ref.$link }
  expect((await open.get('com.atproto.sync.getBlob', there)).status).toBe(400)
  const all = await open.get('com.atproto.sync.listBlobs', { did: member.did })
  expect(JSON.stringify(all.body)).not.toContain(ref.$link)
})

test('an OAuth client acts in spaces within a grant that the account has made, and no further', async () => {
  const space = await createSpace(member)
  await writePost(member, space, 'Mine', 'mine')
  const grant = 'co.kendev.actor.putSpaceGrant'
  const scope = `atproto transition:generic space:${GARDEN}?action=read`
  const client = await OAuthClient.of(world.here.url, scope)
  await client.logIn((page) =>
    approveInBrowser(page, { handle: member.handle, password: 'a-long-password' }),
  )
  // The provider does not know such scopes yet, and leaves them out.
  expect(client.tokens!.scope).not.toContain('space:')
  const params = { space, repo: member.did }
  const list = () => client.call(`${world.here.url}/xrpc/${asking(at('listRecords'), params)}`)
  const write = () =>
    client.call(`${world.here.url}/xrpc/${at('createRecord')}`, {
      method: 'POST',
      body: { space, repo: member.did, collection: POST, record: { $type: POST } },
    })
  const said = async (answer: ReturnType<typeof list>) => named(await answer)
  expect(await said(list())).toBe('403 SpaceGrantMissing')
  const about = { authority: member.did, spaceType: GARDEN }
  const own = client.call(`${world.here.url}/xrpc/${grant}`, {
    method: 'POST',
    body: { ...about, actions: ['read'] },
  })
  expect((await own).status).toBe(403)
  await member.call(grant, { ...about, actions: ['read'] })
  expect(await said(list())).toBe('200')
  expect(await said(write())).toBe('403 SpaceGrantMissing')
  const spaces = `${world.here.url}/xrpc/${at('listSpaces')}`
  const seen = JSON.stringify((await client.call(spaces)).body)
  expect(seen).toContain(space)
  expect(seen).not.toContain(PRIVATE)
  const grants = await member.get('co.kendev.actor.listSpaceGrants')
  expect(grants).toMatchObject({ items: [{ ...about, actions: ['read'] }] })
  await member.call(grant, { ...about, actions: ['read'], expiresAt: '2020-01-01T00:00:00Z' })
  expect(await said(list())).toBe('403 SpaceGrantMissing')
  await member.call(grant, { ...about, actions: ['create'] })
  expect(await said(write())).toBe('200')
  await member.call('co.kendev.actor.deleteSpaceGrant', about)
  expect(await said(write())).toBe('403 SpaceGrantMissing')
  const again = member.call('co.kendev.actor.deleteSpaceGrant', about)
  await expect(again).rejects.toMatchObject({ error: 'NotFound' })
})
