import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Items, Said } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const ACTOR = 'co.kendev.actor'
const PRIVATE = 'co.kendev.spaces.privateSpace'

let network: Awaited<ReturnType<typeof startNetwork>>
let a: TestNode
let b: TestNode
let ada: Person
let ben: Person
let cleo: Person
let eve: Person
let club: { did: string; handle: string }
const members = () => `at://${club.did}/space/${PRIVATE}/members`

beforeAll(async () => {
  network = await startNetwork(2)
  ;[a, b] = network.nodes as [TestNode, TestNode]
  ada = await createPerson(a.url, 'ada.node1.test')
  cleo = await createPerson(a.url, 'cleo.node1.test')
  eve = await createPerson(a.url, 'eve.node1.test')
  ben = await createPerson(b.url, 'ben.node2.test')
  club = await ada.call(`${SPACES}.createSpace`, {
    name: 'Back Room',
    visibility: 'private',
    channels: [{ name: 'general' }],
  })
})

afterAll(async () => {
  await network?.[Symbol.asyncDispose]()
})

const said = async (who: Person): Promise<string[]> => {
  const { items } = await who.get<Items<Said>>(`${SPACES}.listMessages`, { space: club.did })
  return items.map(({ text }) => text ?? '').toSorted()
}
const invite = async (): Promise<string> =>
  (await ada.call<{ token: string }>(`${SPACES}.createInvitation`, { space: club.did })).token

test('all that shows of a private space is an account with a random handle and an empty repo', async () => {
  expect(club.handle).toMatch(/^s-[0-9a-f]{20}\.node1\.test$/)
  const described = await anybodyGet<{ collections: string[] }>(
    a.url,
    'com.atproto.repo.describeRepo',
    { repo: club.did },
  )
  expect(described.collections).toEqual([])
  for (const who of [undefined, eve, ben]) {
    const get = (nsid: string, params: Record<string, unknown>) =>
      who ? who.get(nsid, params) : anybodyGet(a.url, nsid, params)
    await expect(get(`${SPACES}.getSpace`, { space: club.did })).rejects.toMatchObject(
      who === ben ? { status: 400 } : { error: 'NotFound' },
    )
  }
})

test('members of the same node join by invitation, once for each, and talk', async () => {
  await expect(cleo.call(`${SPACES}.join`, { space: club.did })).rejects.toMatchObject({
    error: 'NotFound',
  })
  const inviteToken = await invite()
  const joined = await cleo.call(`${SPACES}.join`, { space: club.did, inviteToken })
  expect(joined).toMatchObject({ role: 'member', status: 'active' })
  await expect(eve.call(`${SPACES}.join`, { space: club.did, inviteToken })).rejects.toMatchObject({
    error: 'InvalidInvitation',
  })
  await ada.call(`${SPACES}.sendMessage`, { space: club.did, text: 'The key is under the mat.' })
  const answer = await cleo.call<{ uri: string; message: Said }>(`${SPACES}.sendMessage`, {
    space: club.did,
    text: 'Found it.',
  })
  expect(answer.uri).toBe(
    `${members()}/${cleo.did}/${SPACES}.message/${answer.uri.split('/').at(-1)}`,
  )
  expect(answer.message).toMatchObject({ text: 'Found it.', author: { did: cleo.did } })
  for (const who of [ada, cleo])
    expect(await said(who)).toEqual(['Found it.', 'The key is under the mat.'])
  expect(await said(eve)).toEqual([])
})

test('a member elsewhere writes at their own PDS, and both nodes show all of it', async () => {
  const proxy = a.service
  const grant = { authority: club.did, spaceType: PRIVATE, actions: ['read', 'create'] }
  await ben.call(`${ACTOR}.putSpaceGrant`, grant)
  const write = (collection: string, record: object, rkey?: string) =>
    ben.call<{ uri: string; cid: string }>('com.atproto.space.createRecord', {
      space: members(),
      repo: ben.did,
      collection,
      ...(rkey && { rkey }),
      record: { $type: collection, ...record },
    })
  const createdAt = new Date().toISOString()
  const request = await write(
    `${SPACES}.membershipRequest`,
    { space: club.did, createdAt },
    club.did,
  )
  const inviteToken = await invite()
  const joined = await ben.call(
    `${SPACES}.join`,
    { space: club.did, inviteToken, uri: request.uri, cid: request.cid },
    { proxy },
  )
  expect(joined).toMatchObject({ role: 'member', status: 'active' })
  const hello = await write(`${SPACES}.message`, {
    space: club.did,
    text: 'Hello from B.',
    createdAt,
  })
  await ben.call(
    `${SPACES}.sendMessage`,
    { space: club.did, uri: hello.uri, cid: hello.cid },
    { proxy },
  )
  const all = ['Found it.', 'Hello from B.', 'The key is under the mat.']
  expect(await said(ada)).toEqual(all)
  // Ben's own node has followed the space with the credential that his grant gets it.
  await eventually(async () => expect(await said(ben)).toEqual(all))
  await ada.call(`${SPACES}.sendMessage`, { space: club.did, text: 'Welcome, Ben.' })
  await eventually(async () => expect(await said(ben)).toContain('Welcome, Ben.'))
})

test('whoever is removed reads nothing any more, on either node', async () => {
  await ada.call(`${SPACES}.removeMember`, { space: club.did, member: ben.did })
  await expect(
    ben.get(`${SPACES}.getSpace`, { space: club.did }, { proxy: a.service }),
  ).rejects.toMatchObject({ error: 'NotFound' })
  await eventually(async () => expect(await said(ben)).toEqual([]))
})
