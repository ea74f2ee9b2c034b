import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Items, Said } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const PRIVATE = `${SPACES}.privateSpace`

let network: Awaited<ReturnType<typeof startNetwork>>
let a: TestNode
let b: TestNode
let ada: Person
let ben: Person
let cleo: Person
let club: { did: string }
let general: string
const members = () => `at://${club.did}/space/${PRIVATE}/members`

beforeAll(async () => {
  network = await startNetwork(2)
  ;[a, b] = network.nodes as [TestNode, TestNode]
  ada = await createPerson(a.url, 'ada.node1.test')
  cleo = await createPerson(a.url, 'cleo.node1.test')
  ben = await createPerson(b.url, 'ben.node2.test')
  const about = { name: 'Back Room', visibility: 'private', channels: [{ name: 'general' }] }
  club = await ada.call(`${SPACES}.createSpace`, about)
  const channels = await ada.get<Items<{ uri: string }>>(`${SPACES}.listChannels`, {
    space: club.did,
  })
  general = channels.items[0]!.uri
  await cleo.call(`${SPACES}.join`, { space: club.did, inviteToken: await invite() })
  const grant = { authority: club.did, spaceType: PRIVATE, actions: ['read', 'create'] }
  await ben.call('co.kendev.actor.putSpaceGrant', grant)
  const request = await write(ben, `${SPACES}.membershipRequest`, {}, club.did)
  const asks = { space: club.did, inviteToken: await invite(), ...request }
  await ben.call(`${SPACES}.join`, asks, { proxy: a.service })
})
afterAll(async () => {
  await network?.[Symbol.asyncDispose]()
})

async function invite(): Promise<string> {
  const wish = { space: club.did }
  return (await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)).token
}

/** Writes as any client may, past the methods of the node. */
function write(who: Person, collection: string, content: object, rkey?: string) {
  const createdAt = new Date().toISOString()
  return who.call<{ uri: string; cid: string }>('com.atproto.space.createRecord', {
    space: members(),
    repo: who.did,
    collection,
    ...(rkey && { rkey }),
    record: { $type: collection, space: club.did, createdAt, ...content },
  })
}

const change = (who: Person, change: object) =>
  ada.call(`${SPACES}.updateMember`, { space: club.did, member: who.did, ...change })

/** Everywhere a message shows, to whoever reads it. */
async function seen({ uri }: { uri: string }): Promise<unknown[]> {
  const list = (method: string, more = {}) =>
    ada.get<Items<Said>>(`${SPACES}.${method}`, { space: club.did, ...more })
  const has = ({ items }: Items<Said>) => items.some((item) => item.uri === uri)
  const { stats } = await ada.get<{ stats: { messageCount: number } }>(`${SPACES}.getSpace`, {
    space: club.did,
  })
  const { messageCount } = await ada.get<{ messageCount: number }>(`${SPACES}.getChannel`, {
    uri: general,
  })
  const { thread } = await ada.get<{ thread: { message?: object } }>(`${SPACES}.getThread`, { uri })
  const got = await ada.get<object>(`${SPACES}.getMessage`, { uri }).then(
    () => 'there',
    ({ error }: { error: string }) => error,
  )
  return [
    has(await list('listMessages')),
    has(await list('searchMessages', { q: 'lift' })),
    thread.message !== undefined,
    got,
    stats.messageCount,
    messageCount,
  ]
}

test('what somebody elsewhere wrote shows while they may write, in every answer', async () => {
  const hello = await write(ben, `${SPACES}.message`, {
    channel: general,
    text: 'Is the lift free?',
  })
  const there = [true, true, true, 'there', 1, 1]
  await eventually(async () => expect(await seen(hello)).toEqual(there))
  for (const out of [{ role: 'viewer' }, { role: 'guest' }, { status: 'suspended' }]) {
    await change(ben, out)
    expect(await seen(hello)).toEqual([false, false, false, 'NotFound', 0, 0])
    await change(ben, { role: 'member', status: 'active' })
    expect(await seen(hello)).toEqual(there)
  }
})

test('a viewer is refused at their own host, and by methods whatever they were granted', async () => {
  await write(cleo, `${SPACES}.message`, { text: 'The key is under the mat.' })
  const refused = { status: 403, error: 'UserNotAuthorized' }
  await change(cleo, { role: 'viewer', permissions: ['post_messages'] })
  const late = () => write(cleo, `${SPACES}.message`, { text: 'Late' })
  await expect(late()).rejects.toMatchObject(refused)
  const sends = cleo.call(`${SPACES}.sendMessage`, { space: club.did, text: 'Late' })
  await expect(sends).rejects.toMatchObject({ error: 'Forbidden' })
  const at = { space: members(), repo: cleo.did, collection: `${SPACES}.message` }
  const record = {
    $type: at.collection,
    space: club.did,
    text: 'x',
    createdAt: '2026-11-23T10:00:00Z',
  }
  const puts = cleo.call('com.atproto.space.putRecord', { ...at, rkey: '3m6bkl2222223', record })
  await expect(puts).rejects.toMatchObject(refused)
  const write1 = {
    $type: 'com.atproto.space.applyWrites#create',
    collection: at.collection,
    value: record,
  }
  const applies = cleo.call('com.atproto.space.applyWrites', { ...at, writes: [write1] })
  await expect(applies).rejects.toMatchObject(refused)
  await change(cleo, { role: 'member', permissions: [] })
  const { uri } = await late()
  await change(cleo, { status: 'suspended' })
  await expect(late()).rejects.toMatchObject(refused)
  const rkey = uri.split('/').at(-1)
  await cleo.call('com.atproto.space.deleteRecord', { ...at, rkey })
  // Not a word on whether there are such audiences.
  const eve = await createPerson(a.url, 'eve.node1.test')
  for (const space of [members(), members().replace('members', 'staff')]) {
    const asks = { ...at, space, repo: eve.did, record }
    await expect(eve.call('com.atproto.space.createRecord', asks)).rejects.toMatchObject(refused)
  }
})
