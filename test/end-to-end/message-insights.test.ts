import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Garage, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

type Insight = { message: { uri: string }; intent?: string; correctedFields: string[] }
type Page = { items: Insight[]; cursor?: string }

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let cleo: Person
let dora: Person
let eve: Person
let garage: Garage
let club: string

beforeAll(async () => {
  node = parts.use(await startNetwork()).nodes[0]!
  const people = ['ada', 'cleo', 'dora', 'eve'].map((n) =>
    createPerson(node.url, `${n}.node1.test`),
  )
  ;[ada, cleo, dora, eve] = (await Promise.all(people)) as [Person, Person, Person, Person]
  garage = await foundGarage(node.url, ada)
  await cleo.call(`${SPACES}.join`, { space: garage.did })
  const founded = { name: 'Back Room', visibility: 'invite_only' }
  club = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)).did
  await enter(cleo, 'member')
  await enter(dora, 'moderator')
})
afterAll(() => parts.disposeAsync())

async function enter(who: Person, role: string): Promise<void> {
  const wish = { space: club, role }
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
  await who.call(`${SPACES}.join`, { space: club, inviteToken: token })
}

const say = async (who: Person, text: string, space = club) =>
  (await who.call<{ uri: string }>(`${SPACES}.sendMessage`, { space, text })).uri

test('owners see what a message tells the business; members, moderators and others do not', async () => {
  const uri = await say(cleo, 'I love it! Can I book a service on 2026-12-03? cleo@example.com')
  expect(await ada.get(`${SPACES}.getMessageInsight`, { uri })).toMatchObject({
    message: { uri },
    author: { did: cleo.did },
    space: club,
    analyzer: { name: 'angelos-rules', version: '1' },
    sentiment: 'positive',
    intent: 'booking',
    department: 'operations',
    customerJourney: 'consideration',
    isSuggestion: false,
    entities: [{ kind: 'date' }, { kind: 'email', text: 'cleo@example.com' }],
    leadScore: 40,
    correctedFields: [],
  })
  for (const who of [cleo, dora]) {
    const refused = { error: 'Forbidden' }
    await expect(who.get(`${SPACES}.getMessageInsight`, { uri })).rejects.toMatchObject(refused)
    const list = who.get(`${SPACES}.listMessageInsights`, { space: club })
    await expect(list).rejects.toMatchObject(refused)
    const correct = who.call(`${SPACES}.correctMessageInsight`, { uri, intent: 'job' })
    await expect(correct).rejects.toMatchObject(refused)
  }
  await expect(eve.get(`${SPACES}.getMessageInsight`, { uri })).rejects.toMatchObject({
    error: 'NotFound',
  })
  const anybody = anybodyGet(node.url, `${SPACES}.getMessageInsight`, { uri })
  await expect(anybody).rejects.toMatchObject({ status: 401 })
})

test('of a public message they are for the staff alone, and a stranger is told to join', async () => {
  const uri = await say(cleo, 'How much is it?', garage.did)
  expect(await ada.get(`${SPACES}.getMessageInsight`, { uri })).toMatchObject({ intent: 'price' })
  await expect(eve.get(`${SPACES}.getMessageInsight`, { uri })).rejects.toMatchObject({
    error: 'NotAMember',
  })
})

test('a leave to see analytics lets a moderator see what is found, not what managers put right', async () => {
  const uri = await say(cleo, 'Where is my order?')
  const permissions = ['view_analytics']
  await ada.call(`${SPACES}.updateMember`, { space: club, member: dora.did, permissions })
  const seen = await dora.get(`${SPACES}.getMessageInsight`, { uri })
  expect(seen).toMatchObject({ intent: 'order_status' })
  const correct = dora.call(`${SPACES}.correctMessageInsight`, { uri, intent: 'job' })
  await expect(correct).rejects.toMatchObject({ error: 'Forbidden' })
  await ada.call(`${SPACES}.correctMessageInsight`, { uri, intent: 'job' })
  const found = await dora.get(`${SPACES}.getMessageInsight`, { uri })
  expect(found).toMatchObject({ intent: 'order_status', correctedFields: [] })
  const boss = { space: club, name: 'boss', audience: 'managers' }
  const room = await ada.call<{ uri: string }>(`${SPACES}.createChannel`, boss)
  const closed = { space: club, channel: room.uri, text: 'How much is Cleo?' }
  const secret = (await ada.call<{ uri: string }>(`${SPACES}.sendMessage`, closed)).uri
  const listed = async (who: Person) => {
    const { items } = await who.get<Page>(`${SPACES}.listMessageInsights`, { space: club })
    return items.some(({ message }) => message.uri === secret)
  }
  expect([await listed(ada), await listed(dora)]).toEqual([true, false])
  await ada.call(`${SPACES}.updateMember`, { space: club, member: dora.did, permissions: [] })
})

test('what a person has put right wins, is theirs, and can be taken back', async () => {
  const uri = await say(cleo, 'Grass grows.')
  const correct = (fields: object) =>
    ada.call<Insight>(`${SPACES}.correctMessageInsight`, { uri, ...fields })
  expect(await correct({ intent: 'complaint', workflow: 'lawn' })).toMatchObject({
    intent: 'complaint',
    department: 'support',
    workflow: 'lawn',
    confidence: 10_000,
    isSuggestion: false,
    correctedFields: ['intent', 'workflow'],
    correctedBy: ada.did,
  })
  expect(await ada.get(`${SPACES}.getMessageInsight`, { uri })).toMatchObject({
    intent: 'complaint',
  })
  const kept = `${SPACES}.listInsightCorrections`
  const { items } = await ada.get<{ items: { uri: string }[] }>(kept, { space: club })
  expect(items[0]).toMatchObject({ message: { uri }, correctedBy: ada.did })
  const reads = dora.get(`${SPACES}.getInsightCorrection`, { uri: items[0]!.uri })
  await expect(reads).rejects.toMatchObject({ error: 'NotFound' })
  const back = await correct({})
  expect(back).toMatchObject({ isSuggestion: true, correctedFields: [] })
  expect(back.intent).toBeUndefined()
  const loud = correct({ intent: 'x'.repeat(200) })
  await expect(loud).rejects.toMatchObject({ status: 400 })
})

test('insights are listed newest first, page by page, by channel, and by space only', async () => {
  const wish = { space: club, name: 'desk' }
  const desk = await ada.call<{ uri: string }>(`${SPACES}.createChannel`, wish)
  const texts = ['Hello', 'How much is it?', 'I want a refund']
  for (const text of texts)
    await cleo.call(`${SPACES}.sendMessage`, { space: club, channel: desk.uri, text })
  const list = (params: object) =>
    ada.get<Page>(`${SPACES}.listMessageInsights`, { space: club, ...params })
  const first = await list({ channel: desk.uri, limit: 2 })
  expect(first.items.map(({ intent }) => intent)).toEqual(['refund', 'price'])
  const rest = await list({ channel: desk.uri, limit: 2, cursor: first.cursor })
  expect(rest.items.map(({ intent }) => intent)).toEqual(['greeting'])
  expect(rest.cursor).toBeUndefined()
  expect((await list({ author: dora.did })).items).toEqual([])
  const other = await list({ space: garage.did, channel: desk.uri })
  expect(other.items).toEqual([])
  await expect(list({ cursor: 'xyz' })).rejects.toMatchObject({ error: 'InvalidCursor' })
})
