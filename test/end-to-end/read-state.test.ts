import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type Garage, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

type Ref = { uri: string; cid: string }
type Unread = { channel?: string; unread: number; mentions: number; lastRead?: string }
type Readers = { items: { person: { did: string } }[]; cursor?: string }

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let cleo: Person
let dora: Person
let eve: Person
let garage: Garage
let club: string
let desk: string

beforeAll(async () => {
  node = parts.use(await startNetwork()).nodes[0]!
  const people = ['ada', 'cleo', 'dora', 'eve'].map((n) =>
    createPerson(node.url, `${n}.node1.test`),
  )
  ;[ada, cleo, dora, eve] = (await Promise.all(people)) as [Person, Person, Person, Person]
  garage = await foundGarage(node.url, ada)
  const founded = { name: 'Back Room', visibility: 'invite_only' }
  club = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)).did
  for (const who of [cleo, dora]) {
    const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, {
      space: club,
    })
    await who.call(`${SPACES}.join`, { space: club, inviteToken: token })
  }
  const wish = { space: club, name: 'desk' }
  desk = (await ada.call<{ uri: string }>(`${SPACES}.createChannel`, wish)).uri
})
afterAll(() => parts.disposeAsync())

const say = (who: Person, more: object = {}) =>
  who.call<Ref>(`${SPACES}.sendMessage`, { space: club, channel: desk, text: 'Hello', ...more })
const mark = (who: Person, { uri }: Ref, more: object = {}) =>
  who.call<{ message: string }>(`${SPACES}.markRead`, { uri, ...more })
const unread = async (who: Person, channel: string | undefined = desk) => {
  const { items } = await who.get<{ items: Unread[] }>(`${SPACES}.getUnread`, { space: club })
  return items.find((item) => item.channel === channel)
}
const readers = async (who: Person, { uri }: Ref, more: object = {}) => {
  const { items } = await who.get<Readers>(`${SPACES}.listReaders`, { uri, ...more })
  return items.map(({ person }) => person.did)
}
const letKnow = (who: Person, readReceipts: boolean) =>
  who.call('co.kendev.actor.putPreferences', { readReceipts })

test('what others say waits to be read, with who is mentioned, until it is marked', async () => {
  const mention = { $type: 'app.bsky.richtext.facet#mention', did: cleo.did }
  const facets = [{ index: { byteStart: 0, byteEnd: 5 }, features: [mention] }]
  const [first, second] = [await say(ada, { text: '@cleo', facets }), await say(ada)]
  await say(ada, { channel: undefined })
  await say(cleo)
  expect(await unread(cleo)).toMatchObject({ unread: 2, mentions: 1 })
  expect((await unread(cleo))?.lastRead).toBeUndefined()
  await mark(cleo, first)
  expect(await unread(cleo)).toEqual({ channel: desk, unread: 1, mentions: 0, lastRead: first.uri })
  const { items } = await cleo.get<{ items: Unread[] }>(`${SPACES}.getUnread`, { space: club })
  expect(items[0]).toEqual({ unread: 1, mentions: 0 })
  await mark(cleo, second)
  expect(await unread(cleo)).toMatchObject({ unread: 0, lastRead: second.uri })
  expect(await unread(dora)).toMatchObject({ unread: 3, mentions: 0 })
})

test('a marker never moves back, and of two at once the newer one is kept', async () => {
  const [old, middle, newest] = [await say(ada), await say(ada), await say(ada)]
  await mark(cleo, middle)
  expect((await mark(cleo, old)).message).toBe(middle.uri)
  await Promise.all([old, newest, middle, newest, old].map((one) => mark(cleo, one)))
  expect((await unread(cleo))?.lastRead).toBe(newest.uri)
})

test('a reply read in its thread does not wait in the channel, and the rest of it still does', async () => {
  const root = await say(ada)
  await mark(cleo, root)
  const parent = { uri: root.uri, cid: root.cid }
  const reply = await say(ada, { reply: { root: parent, parent } })
  await say(ada)
  expect(await unread(cleo)).toMatchObject({ unread: 2 })
  await mark(cleo, reply, { thread: true })
  expect(await unread(cleo)).toMatchObject({ unread: 1, lastRead: root.uri })
})

test('an author learns of those readers only who let it be known, and nobody else does', async () => {
  const sent = await say(ada)
  const before = await say(cleo)
  for (const who of [cleo, dora]) await mark(who, sent)
  expect(await readers(ada, sent)).toEqual([])
  await letKnow(cleo, true)
  expect(await readers(ada, sent)).toEqual([cleo.did])
  await letKnow(dora, true)
  expect((await readers(ada, sent)).toSorted()).toEqual([cleo.did, dora.did].toSorted())
  const page = await ada.get<Readers>(`${SPACES}.listReaders`, { uri: sent.uri, limit: 1 })
  const rest = await readers(ada, sent, { limit: 1, cursor: page.cursor })
  expect([page.items[0]!.person.did, ...rest].toSorted()).toEqual([cleo.did, dora.did].toSorted())
  await letKnow(dora, false)
  expect(await readers(ada, sent)).toEqual([cleo.did])
  expect(await readers(cleo, before)).toEqual([])
  await expect(readers(cleo, sent)).rejects.toMatchObject({ error: 'Forbidden' })
  await expect(readers(eve, sent)).rejects.toMatchObject({ error: 'NotFound' })
})

test('who is outside learns and marks nothing, and who has left is no reader any more', async () => {
  const sent = await say(ada)
  await mark(cleo, sent)
  await expect(mark(eve, sent)).rejects.toMatchObject({ error: 'NotFound' })
  const asked = eve.get(`${SPACES}.getUnread`, { space: club })
  await expect(asked).rejects.toMatchObject({ error: 'NotFound' })
  const open = eve.get(`${SPACES}.getUnread`, { space: garage.did })
  await expect(open).rejects.toMatchObject({ error: 'NotAMember' })
  const wish = { space: club, name: 'wages', audience: 'staff' }
  const wages = await ada.call<{ uri: string }>(`${SPACES}.createChannel`, wish)
  await say(ada, { channel: wages.uri })
  expect(await unread(cleo, wages.uri)).toBeUndefined()
  expect(await readers(ada, sent)).toEqual([cleo.did])
  await ada.call(`${SPACES}.removeMember`, { space: club, member: cleo.did })
  expect(await readers(ada, sent)).toEqual([])
  await expect(mark(cleo, sent)).rejects.toMatchObject({ error: 'NotFound' })
})

test('who has joined after a message was sent is no reader of it', async () => {
  const old = await say(ada, { space: garage.did, channel: undefined })
  await letKnow(eve, true)
  await eve.call(`${SPACES}.join`, { space: garage.did })
  const later = await say(ada, { space: garage.did, channel: undefined })
  await mark(eve, later)
  expect([await readers(ada, old), await readers(ada, later)]).toEqual([[], [eve.did]])
})

test('who takes their wish to be a member back is no reader of a public space either', async () => {
  await dora.call(`${SPACES}.join`, { space: garage.did })
  const sent = await say(ada, { space: garage.did, channel: undefined })
  await letKnow(dora, true)
  await mark(dora, sent)
  expect(await readers(ada, sent)).toEqual([dora.did])
  await dora.remove(`at://${dora.did}/${SPACES}.membershipRequest/${garage.did}`)
  await eventually(async () => expect(await readers(ada, sent)).toEqual([]))
})
