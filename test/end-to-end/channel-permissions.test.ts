import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Items, Ref, Said } from '../garage.ts'
import { listen } from '../leaks/ask.ts'
import { askerOf } from '../leaks/story.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
type Channel = { uri: string; name: string }

let network: Awaited<ReturnType<typeof startNetwork>>
let node: TestNode
let people: Record<'ada' | 'mia' | 'ben' | 'cleo' | 'gus', Person>
let shop: string
let general: string
let workshop: string

beforeAll(async () => {
  network = await startNetwork()
  node = network.nodes[0]!
  const names = ['ada', 'mia', 'ben', 'cleo', 'gus'] as const
  const made = names.map(async (n) => [n, await createPerson(node.url, `${n}.node1.test`)] as const)
  people = Object.fromEntries(await Promise.all(made)) as typeof people
  const channels = [{ name: 'general' }, { name: 'workshop' }]
  const { ada, ...others } = people
  shop = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Shop', channels })).did
  for (const who of Object.values(others)) await who.call(`${SPACES}.join`, { space: shop })
  for (const [who, role] of [
    [people.mia, 'moderator'],
    [people.gus, 'guest'],
  ] as const)
    await ada.call(`${SPACES}.updateMember`, { space: shop, member: who.did, role })
  const found = await channelsSeenBy(ada)
  ;[general, workshop] = ['general', 'workshop'].map(
    (name) => found.find((one) => one.name === name)!.uri,
  ) as [string, string]
})
afterAll(async () => network?.[Symbol.asyncDispose]())

const channelsSeenBy = async (who: Person) =>
  (await who.get<Items<Channel>>(`${SPACES}.listChannels`, { space: shop })).items
const set = (by: Person, member: Person, access?: string, channel = workshop) =>
  by.call(`${SPACES}.setChannelPermission`, { space: shop, member: member.did, channel, access })
const say = (by: Person, text: string, channel = workshop) =>
  by.call<{ uri: string; message: Said }>(`${SPACES}.sendMessage`, { space: shop, channel, text })
const react = (by: Person, { uri, cid }: Ref) =>
  by.call(`${SPACES}.addReaction`, { space: shop, subject: { uri, cid }, emoji: '🔧' })
const textsSeenBy = async (who: Person, method = 'listMessages', more: object = {}) => {
  const asks = { space: shop, ...more }
  const { items } = await who.get<Items<Said>>(`${SPACES}.${method}`, asks)
  return items.map(({ text }) => text)
}

test('who is kept from a channel finds neither it nor what is said in it', async () => {
  const { ada, ben, cleo } = people
  const { message } = await say(ada, 'The lift is free.')
  await set(ada, ben, 'none')
  expect((await channelsSeenBy(ben)).map(({ name }) => name)).toEqual(['general'])
  for (const [nsid, uri] of [
    ['getChannel', workshop],
    ['getMessage', message.uri],
  ] as const)
    await expect(ben.get(`${SPACES}.${nsid}`, { uri })).rejects.toMatchObject({ error: 'NotFound' })
  expect(await textsSeenBy(ben)).toEqual([])
  expect(await textsSeenBy(ben, 'searchMessages', { q: 'lift' })).toEqual([])
  const { thread } = await ben.get<{ thread: object }>(`${SPACES}.getThread`, { uri: message.uri })
  expect(thread).toMatchObject({ notFound: true })
  await expect(say(ben, 'Me too')).rejects.toMatchObject({ error: 'NotFound' })
  await expect(react(ben, message)).rejects.toMatchObject({ error: 'Forbidden' })
  expect(await textsSeenBy(cleo)).toEqual(['The lift is free.'])
  await react(cleo, message)
})

test('the stream of a space tells them nothing of it', async () => {
  const { ben, cleo } = people
  await say(people.ada, 'In the open.', general)
  const path = `/xrpc/${SPACES}.subscribeMessages?space=${shop}&cursor=0`
  const heard = async (who: Person) => {
    const seen = await listen(askerOf(who.handle, node.url, who), path, { quietMs: 1_000 })
    return Buffer.concat(seen.map(({ bytes }) => bytes)).toString('latin1')
  }
  const [his, hers] = await Promise.all([heard(ben), heard(cleo)])
  expect(hers).toContain('The lift is free.')
  expect(his).toContain('In the open.')
  expect(his).not.toContain('The lift is free.')
  const { items } = await cleo.get<Items<Ref>>(`${SPACES}.listMessages`, {
    space: shop,
    channel: workshop,
  })
  expect(his).not.toContain(items[0]!.uri)
})

test('who may only read neither writes nor reacts, wherever they write', async () => {
  const { ada, ben } = people
  await set(ada, ben)
  await say(ben, 'Before.')
  await set(ada, ben, 'read')
  const { items } = await ben.get<Items<Said>>(`${SPACES}.listMessages`, { space: shop })
  expect(items.map(({ text }) => text)).toContain('The lift is free.')
  await expect(say(ben, 'More')).rejects.toMatchObject({ error: 'Forbidden' })
  await expect(
    react(
      ben,
      items.find(({ text }) => text === 'The lift is free.')!,
    ),
  ).rejects.toMatchObject({
    error: 'Forbidden',
  })
  await say(ben, 'Elsewhere.', general)
  const createdAt = '2026-01-01T10:00:00Z'
  const past = { space: shop, channel: workshop, text: 'Past you.', createdAt }
  await ben.create(`${SPACES}.message`, past)
  await say(ada, 'And after.')
  const seen = await textsSeenBy(ada)
  expect(seen).toEqual(expect.arrayContaining(['Before.', 'Elsewhere.', 'And after.']))
  expect(seen).not.toContain('Past you.')
})

test('who may write does so where their role alone does not', async () => {
  const { ada, gus, cleo } = people
  await expect(say(gus, 'Hello')).rejects.toMatchObject({ error: 'Forbidden' })
  await set(ada, gus, 'write')
  const { message } = await say(gus, 'Hello')
  expect(await textsSeenBy(cleo)).toContain('Hello')
  await react(gus, message)
  await expect(say(gus, 'Hello', general)).rejects.toMatchObject({ error: 'Forbidden' })
  await set(ada, gus)
  await expect(say(gus, 'Again')).rejects.toMatchObject({ error: 'Forbidden' })
})

test('who administers a channel changes it, and no other', async () => {
  const { ada, mia, cleo } = people
  const change = (uri: string) =>
    cleo.call(`${SPACES}.putRecord`, {
      space: shop,
      collection: `${SPACES}.channel`,
      rkey: uri.split('/').at(-1),
      record: { space: shop, name: 'Cleo’s', createdAt: '2026-11-23T10:00:00Z' },
    })
  await expect(set(mia, cleo, 'admin')).rejects.toMatchObject({ error: 'Forbidden' })
  await set(ada, cleo, 'admin')
  await change(workshop)
  expect((await channelsSeenBy(ada)).map(({ name }) => name).toSorted()).toEqual([
    'Cleo’s',
    'general',
  ])
  await expect(change(general)).rejects.toMatchObject({ error: 'Forbidden' })
  await set(ada, cleo)
  await expect(change(workshop)).rejects.toMatchObject({ error: 'Forbidden' })
})

test('only the staff and whom it is about learn of a permission, and only they set it', async () => {
  const { ada, mia, ben, cleo } = people
  await set(mia, ben, 'read')
  const of = async (by: Person) => {
    const asks = { space: shop, member: ben.did }
    return (await by.get(`${SPACES}.getMembership`, asks))['channelPermissions']
  }
  const told = [{ channel: workshop, access: 'read' }]
  for (const who of [ada, mia, ben]) expect(await of(who)).toEqual(told)
  expect(await of(cleo)).toBe(undefined)
  await set(mia, ben, 'none')
  expect(await of(mia)).toEqual([{ channel: workshop, access: 'none' }])
  expect(await of(ben)).toBe(undefined)
  const list = async (by: Person) =>
    (await by.get<Items<unknown>>(`${SPACES}.listChannelPermissions`, { space: shop })).items
  expect(await list(mia)).toHaveLength(1)
  for (const who of [ben, cleo]) expect(await list(who)).toEqual([])
  for (const [by, about, access, error] of [
    [cleo, ben, 'write', 'Forbidden'],
    [mia, ada, 'none', 'LastOwner'],
    [mia, mia, 'admin', 'Forbidden'],
    [mia, ben, 'owner', 'InvalidRecord'],
  ] as const)
    await expect(set(by, about, access)).rejects.toMatchObject({ error })
  const wages = { space: shop, name: 'wages', audience: 'managers' }
  const { uri: narrow } = await ada.call<Channel>(`${SPACES}.createChannel`, wages)
  await expect(set(ada, ben, 'write', narrow)).rejects.toMatchObject({ error: 'NotSupported' })
  const about = { name: 'Other' }
  const { did: other } = await cleo.call<{ did: string }>(`${SPACES}.createSpace`, about)
  await ben.call(`${SPACES}.join`, { space: other })
  const foreign = { space: other, member: ben.did, channel: workshop, access: 'write' }
  await expect(cleo.call(`${SPACES}.setChannelPermission`, foreign)).rejects.toMatchObject({
    error: 'NotFound',
  })
})
