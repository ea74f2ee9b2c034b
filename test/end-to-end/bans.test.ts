import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Items, Said } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

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

test('nobody else ever learns of a ban, and a public space keeps none in its records', async () => {
  await set('banned')
  const asks = { space: club, member: ben.did }
  await expect(anybodyGet(node.url, `${SPACES}.getMembership`, asks)).rejects.toMatchObject({
    error: 'NotFound',
  })
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Shop' })
  await ben.call(`${SPACES}.join`, { space })
  const bans = ada.call(`${SPACES}.updateMember`, { space, member: ben.did, status: 'banned' })
  await expect(bans).rejects.toMatchObject({ error: 'NotSupported' })
})
