import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Items, Said } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
type Told = { subject: string; status: string; role?: string }

let network: Awaited<ReturnType<typeof startNetwork>>
let node: TestNode
let ada: Person
let ben: Person
let club: string

beforeAll(async () => {
  network = await startNetwork()
  node = network.nodes[0]!
  ada = await createPerson(node.url, 'ada.node1.test')
  ben = await createPerson(node.url, 'ben.node1.test')
  const about = { name: 'Back Room', visibility: 'private' }
  club = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, about)).did
  await comeIn()
  await ben.call(`${SPACES}.sendMessage`, { space: club, text: 'Buy my watches.' })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

async function comeIn(role = 'member'): Promise<unknown> {
  const wish = { space: club, role }
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
  return ben.call(`${SPACES}.join`, { space: club, inviteToken: token })
}

const set = (status: string) =>
  ada.call(`${SPACES}.updateMember`, { space: club, member: ben.did, status })

async function shown(): Promise<{ said: string[]; members: number }> {
  const { items } = await ada.get<Items<Said>>(`${SPACES}.listMessages`, { space: club })
  const { stats } = await ada.get<{ stats: { memberCount: number } }>(`${SPACES}.getSpace`, {
    space: club,
  })
  return { said: items.map(({ text }) => text ?? ''), members: stats.memberCount }
}

const withdraw = () =>
  ben.call('com.atproto.space.deleteRecord', {
    space: `at://${club}/space/${SPACES}.privateSpace/members`,
    repo: ben.did,
    collection: `${SPACES}.membershipRequest`,
    rkey: club,
  })

test('who is banned is out with all they wrote, and no invitation lets them in again', async () => {
  expect(await shown()).toEqual({ said: ['Buy my watches.'], members: 2 })
  expect(await set('banned')).toMatchObject({ status: 'banned' })
  expect(await shown()).toEqual({ said: [], members: 1 })
  await expect(ben.get(`${SPACES}.getSpace`, { space: club })).rejects.toMatchObject({
    error: 'NotFound',
  })
  await expect(comeIn()).rejects.toMatchObject({ status: 403, error: 'Banned' })
  await expect(comeIn('moderator')).rejects.toMatchObject({ error: 'Banned' })
  await expect(ben.call(`${SPACES}.leave`, { space: club })).rejects.toMatchObject({
    error: 'NotFound',
  })
})

test.each([
  ['banned', 'Banned'],
  ['suspended', 'JoinClosed'],
])(
  'who takes back their request is still %s, whatever they are invited as',
  async (status, error) => {
    await set('active')
    await set(status)
    await withdraw()
    await expect(comeIn()).rejects.toMatchObject({ error })
    await expect(comeIn('moderator')).rejects.toMatchObject({ error })
    await expect(ben.call(`${SPACES}.join`, { space: club })).rejects.toMatchObject({ error })
    await ada.call(`${SPACES}.removeMember`, { space: club, member: ben.did })
    expect(await comeIn()).toMatchObject({ status: 'active', role: 'member' })
    expect(await shown()).toEqual({ said: ['Buy my watches.'], members: 2 })
  },
)

test('nobody else ever learns of a ban', async () => {
  await set('banned')
  const asks = { space: club, member: ben.did }
  await expect(anybodyGet(node.url, `${SPACES}.getMembership`, asks)).rejects.toMatchObject({
    error: 'NotFound',
  })
})

describe('in a public space', () => {
  const invited = async (space: string, role: string) =>
    (await ada.call<{ token: string }>(`${SPACES}.createInvitation`, { space, role })).token
  let shop: string
  let cleo: Person
  let mia: Person
  const change = (by: Person, member: { did: string }, more: object) =>
    by.call<Told>(`${SPACES}.updateMember`, { space: shop, member: member.did, ...more })
  const membersSeenBy = async (who: Person) => {
    const asks = { space: shop }
    const { items } = await who.get<Items<Told>>(`${SPACES}.listMemberships`, asks)
    return items.map(({ subject }) => subject).toSorted()
  }
  const texts = async () => {
    const asks = { space: shop }
    const { items } = await anybodyGet<Items<Said>>(node.url, `${SPACES}.listMessages`, asks)
    return items.map(({ text }) => text)
  }

  beforeAll(async () => {
    ;[cleo, mia] = (await Promise.all(
      ['cleo', 'mia'].map((name) => createPerson(node.url, `${name}.node1.test`)),
    )) as [Person, Person]
    shop = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Shop' })).did
    await cleo.call(`${SPACES}.join`, { space: shop })
    const inviteToken = await invited(shop, 'moderator')
    await mia.call(`${SPACES}.join`, { space: shop, inviteToken })
    await ben.call(`${SPACES}.join`, { space: shop })
    await ben.call(`${SPACES}.sendMessage`, { space: shop, text: 'Buy my watches.' })
  })

  test.each([
    ['banned', 'Banned'],
    ['suspended', 'JoinClosed'],
  ])('who is %s neither posts nor is shown, and does not come back', async (status, error) => {
    expect(await texts()).toEqual(['Buy my watches.'])
    expect(await change(mia, ben, { status, reason: 'Watches.' })).toMatchObject({ status })
    expect(await texts()).toEqual([])
    expect(await membersSeenBy(ada)).toEqual([ada.did, cleo.did, mia.did].toSorted())
    const post = ben.call(`${SPACES}.sendMessage`, { space: shop, text: 'Cheap!' })
    await expect(post).rejects.toMatchObject({ error: 'NotAMember' })
    await expect(ben.call(`${SPACES}.join`, { space: shop })).rejects.toMatchObject({ error })
    const inviteToken = await invited(shop, 'member')
    await expect(ben.call(`${SPACES}.join`, { space: shop, inviteToken })).rejects.toMatchObject({
      error,
    })
    expect(await change(mia, ben, { status: 'active' })).toMatchObject({
      status: 'active',
      role: 'member',
    })
    expect(await texts()).toEqual(['Buy my watches.'])
  })

  test('only the staff and whom it is about can read who is banned', async () => {
    await change(ada, ben, { status: 'banned', reason: 'Sells watches.' })
    const asks = { space: shop, member: ben.did }
    const standing = async (by: Person) =>
      (await by.get<Told>(`${SPACES}.getMembership`, asks)).status
    for (const who of [ada, mia, ben]) expect(await standing(who)).toBe('banned')
    expect(await standing(cleo)).toBe('pending')
    const list = (by: Person) =>
      by.get<Items<Told & { reason: string }>>(`${SPACES}.listRestrictions`, { space: shop })
    expect((await list(mia)).items).toMatchObject([
      { subject: ben.did, status: 'banned', reason: 'Sells watches.' },
    ])
    for (const who of [ben, cleo]) expect((await list(who)).items).toEqual([])
    const uri = `at://${shop}/${SPACES}.restriction/${ben.did}`
    await expect(cleo.get(`${SPACES}.getRestriction`, { uri })).rejects.toMatchObject({
      error: 'NotFound',
    })
    await eventually(async () => {
      const told = await ben.get<Items<{ title: string }>>('co.kendev.platform.listNotifications')
      expect(told.items.map(({ title }) => title)).toContain('Your membership of Shop is banned')
    })
  })

  test('nobody bans those of their own or a higher role, or lifts a ban on them', async () => {
    await expect(change(mia, ada, { status: 'banned' })).rejects.toMatchObject({
      error: 'LastOwner',
    })
    await expect(change(cleo, mia, { status: 'banned' })).rejects.toMatchObject({
      error: 'Forbidden',
    })
    await expect(change(cleo, ben, { status: 'active' })).rejects.toMatchObject({
      error: 'Forbidden',
    })
    const body = { space: shop, collection: `${SPACES}.restriction`, record: {}, rkey: cleo.did }
    await expect(ada.call(`${SPACES}.putRecord`, body)).rejects.toMatchObject({
      error: 'Forbidden',
    })
  })

  test('somebody who was never in can be banned, and pardoned, and asks again then', async () => {
    const eve = await createPerson(node.url, 'eve.node1.test')
    await expect(change(mia, eve, { status: 'suspended' })).rejects.toMatchObject({
      error: 'NotFound',
    })
    await change(mia, eve, { status: 'banned' })
    await expect(eve.call(`${SPACES}.join`, { space: shop })).rejects.toMatchObject({
      error: 'Banned',
    })
    await mia.call(`${SPACES}.removeMember`, { space: shop, member: eve.did })
    expect(await eve.call(`${SPACES}.join`, { space: shop })).toMatchObject({ status: 'active' })
  })

  test('who joins while they are banned is out', async () => {
    await ada.call(`${SPACES}.removeMember`, { space: shop, member: cleo.did })
    for (let round = 0; round < 16; round++) {
      const banned = sleep(round).then(() => change(mia, cleo, { status: 'banned' }))
      await Promise.allSettled([cleo.call(`${SPACES}.join`, { space: shop }), banned])
      expect(await membersSeenBy(ada)).not.toContain(cleo.did)
      await mia.call(`${SPACES}.removeMember`, { space: shop, member: cleo.did })
    }
  })
})
