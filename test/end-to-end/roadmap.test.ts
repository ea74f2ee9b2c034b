import { afterAll, beforeAll, expect, test } from 'vitest'
import { roadmapFeature } from '../../src/appview/collections/platform/roadmap-feature.ts'
import { nextStates, statesOf } from '../../src/appview/machine.ts'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet } from '../person.ts'
import {
  type Items,
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  someone as someoneOf,
  told,
} from './tenancy.ts'

type Feature = {
  uri: string
  cid: string
  title: string
  status: string
  nextStates: string[]
  votes: number
  voters: number
  isVotingOpen: boolean
  viewerVote?: string
  completionPercentage: number
  timeline?: { actualCompletion?: string; quarterTarget?: string }
}

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let root: Person
let ada: Person
let ben: Person

const someone = (name: string, node = home) => someoneOf(node, name)
const said = (text: string) => [{ $type: 'co.kendev.defs#paragraph', text }]
const put = (title: string, more: object = {}) =>
  root.call<Feature>(`${PLATFORM}.putRoadmapFeature`, { title, category: 'crm', ...more })
const get = (uri: string, by?: Person) =>
  by
    ? by.get<Feature>(`${PLATFORM}.getRoadmapFeature`, { uri })
    : anybodyGet<Feature>(home.url, `${PLATFORM}.getRoadmapFeature`, { uri })
const vote = (by: Person, feature: string) => by.call(`${PLATFORM}.voteFeature`, { feature })
const move = (uri: string, status: string, more: object = {}) =>
  told(root.call(`${PLATFORM}.setFeatureStatus`, { uri, status, ...more }))
const heard = async (by: Person) => {
  const { items } = await by.get<Items<{ kind: string; title: string }>>(
    `${PLATFORM}.listNotifications`,
  )
  return items.filter(({ kind }) => kind.startsWith('feature')).map(({ title }) => title)
}

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  ;[root, ada, ben] = await Promise.all([someone('root'), someone('ada'), someone('ben')])
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

test('super admins make the roadmap, everybody reads it, and what others write is not on it', async () => {
  const made = await put('Calendar feeds', {
    description: said('See your week anywhere.'),
    priority: 'high',
    timeline: { quarterTarget: '2026-q4' },
    milestones: [
      { title: 'Read', completed: true },
      { title: 'Write', completed: false },
      { title: 'Share', completed: true },
    ],
    tags: ['community-requested'],
  })
  expect(made).toMatchObject({ status: 'consideration', votes: 0, completionPercentage: 67 })
  expect(made.nextStates).toEqual(['planned', 'cancelled'])
  const change = { title: 'Mine', category: 'crm' }
  expect(await told(ada.call(`${PLATFORM}.putRoadmapFeature`, change))).toBe('Forbidden')
  const forged = await ada.create(`${PLATFORM}.roadmapFeature`, {
    ...change,
    createdAt: new Date().toISOString(),
  })
  await eventually(async () => expect(await get(forged.uri)).toMatchObject({ node: ada.did }))
  expect(await told(vote(ben, forged.uri))).toBe('NotFound')
  const all = await anybodyGet<Items<Feature>>(home.url, `${PLATFORM}.listRoadmapFeatures`)
  expect(all.items.map(({ title }) => title)).toEqual(['Calendar feeds'])
  const { items } = await anybodyGet<Items<Feature>>(home.url, `${PLATFORM}.listRoadmapFeatures`, {
    quarterTarget: '2026-q4',
    tag: 'community-requested',
  })
  expect(items.map(({ title }) => title)).toEqual(['Calendar feeds'])
  expect(await told(put('Bad', { timeline: { quarterTarget: '2026-q7' } }))).toBe('InvalidRecord')
  const changed = { uri: made.uri, swapRecord: made.cid, title: 'Feeds', category: 'integrations' }
  expect(await root.call(`${PLATFORM}.putRoadmapFeature`, changed)).toMatchObject({
    title: 'Feeds',
  })
  expect(await told(root.call(`${PLATFORM}.putRoadmapFeature`, changed))).toBe('InvalidSwap')
})

test('a vote twice is one, one of a paying tenant has the weight of the feature, and unvoting takes it back', async () => {
  const { uri } = await put('Week view', { voting: { allowVoting: true, voteWeight: 3 } })
  await vote(ada, uri)
  await vote(ada, uri)
  expect(await get(uri, ada)).toMatchObject({ votes: 1, voters: 1, viewerVote: expect.any(String) })
  const owner = await someone('owner')
  const { did } = await root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'Salon',
    subdomain: 'paying-salon',
    owner: owner.did,
    template: 'basic-business',
    plan: 'starter',
  })
  const stylist = await someone('stylist')
  await accept(stylist, (await invite(owner, did)).token)
  await vote(stylist, uri)
  expect(await get(uri)).toMatchObject({ votes: 4, voters: 2 })
  await root.call(`${PLATFORM}.setTenantPlan`, { tenant: did, plan: 'free' })
  expect(await get(uri)).toMatchObject({ votes: 2, voters: 2 })
  await root.call(`${PLATFORM}.setTenantPlan`, { tenant: did, plan: 'starter' })
  await stylist.call(`${PLATFORM}.unvoteFeature`, { feature: uri })
  expect(await get(uri, stylist)).not.toHaveProperty('viewerVote')
  expect(await get(uri)).toMatchObject({ votes: 1, voters: 1 })
  const away = await someone('away', network.nodes[1]!)
  const proxy = { proxy: home.service }
  const asked = () => away.call(`${PLATFORM}.voteFeature`, { feature: uri }, proxy)
  expect(await told(asked())).toBe('WriteAtYourPds')
  const { cid } = await get(uri)
  const own = await away.create(
    `${PLATFORM}.featureVote`,
    { feature: { uri, cid }, createdAt: new Date().toISOString() },
    uri.split('/').at(-1),
  )
  await away.call(`${PLATFORM}.voteFeature`, { feature: uri, ...own }, proxy)
  expect(await get(uri)).toMatchObject({ votes: 2, voters: 2 })
})

test('votes that come at once count once each, whoever sends them how often', async () => {
  const { uri } = await put('Dark mode')
  const people = await Promise.all(Array.from({ length: 100 }, (_, n) => someone(`voter-${n}`)))
  const answers = await Promise.all(
    people.flatMap((who, n) => Array.from({ length: n < 5 ? 20 : 1 }, () => told(vote(who, uri)))),
  )
  expect(new Set(answers)).toEqual(new Set(['done']))
  expect(await get(uri)).toMatchObject({ votes: 100, voters: 100 })
  const byVotes = await anybodyGet<Items<Feature>>(home.url, `${PLATFORM}.listRoadmapFeatures`, {
    limit: 2,
  })
  expect(byVotes.items.map(({ title }) => title)).toEqual(['Dark mode', 'Week view'])
  const rest = await anybodyGet<Items<Feature>>(home.url, `${PLATFORM}.listRoadmapFeatures`, {
    cursor: byVotes.cursor,
  })
  expect(rest.items.map(({ title }) => title)).toEqual(['Feeds'])
  const voters = await anybodyGet<Items<object>>(home.url, `${PLATFORM}.listFeatureVotes`, {
    feature: uri,
    limit: 100,
  })
  expect(voters.items).toHaveLength(100)
})

test('who votes is told of every public change once, unless they choose not to be', async () => {
  const { uri } = await put('Gift cards')
  await Promise.all([vote(ada, uri), vote(ben, uri)])
  const optOut = { kind: 'featureStatusChanged', optOut: true }
  await ben.call(`${PLATFORM}.setNotificationOptOut`, optOut)
  expect(await move(uri, 'planned', { from: 'consideration' })).toBe('done')
  expect(await move(uri, 'planned')).toBe('done')
  const news = { feature: uri, title: 'A first try' }
  await root.call(`${PLATFORM}.postRoadmapUpdate`, { ...news, content: said('It works.') })
  const internal = { feature: uri, title: 'Costs more than we thought', isPublic: false }
  await root.call(`${PLATFORM}.postRoadmapUpdate`, internal)
  await eventually(async () => {
    expect(await heard(ada)).toEqual(['Gift cards: A first try', 'Gift cards is planned'])
    expect(await heard(ben)).toEqual(['Gift cards: A first try'])
  })
  const { items } = await anybodyGet<Items<{ title: string }>>(
    home.url,
    `${PLATFORM}.listRoadmapUpdates`,
    { feature: uri },
  )
  expect(items.map(({ title }) => title)).toEqual(['A first try'])
  const notes = await root.get<{ notes: { updates: { title: string }[] } }>(
    `${PLATFORM}.getRoadmapNotes`,
    { feature: uri },
  )
  expect(notes.notes.updates).toMatchObject([{ title: 'Costs more than we thought' }])
  expect(await told(ada.get(`${PLATFORM}.getRoadmapNotes`, { feature: uri }))).toBe('Forbidden')
})

test('a feature goes from status to status as the table of its machine says, and no other way', async () => {
  const machine = roadmapFeature.machine!
  const ways: Record<string, string[]> = {
    consideration: [],
    planned: ['planned'],
    'in-progress': ['planned', 'in-progress'],
    'in-review': ['planned', 'in-progress', 'in-review'],
    completed: ['planned', 'in-progress', 'in-review', 'completed'],
    cancelled: ['cancelled'],
  }
  expect(Object.keys(ways).toSorted()).toEqual(statesOf(machine).toSorted())
  for (const [from, way] of Object.entries(ways))
    for (const to of statesOf(machine)) {
      if (nextStates(machine, from).includes(to)) continue
      const { uri } = await put(`From ${from} to ${to}`)
      for (const step of way) expect(await move(uri, step)).toBe('done')
      expect(await move(uri, to), `${from} → ${to}`).toBe(
        from === to ? 'done' : 'InvalidTransition',
      )
    }
})

test('what is done or given up has the votes it had, and nobody votes for it any more', async () => {
  const { uri } = await put('Waiting list')
  await vote(ada, uri)
  for (const status of ['planned', 'in-progress', 'in-review', 'completed'])
    expect(await move(uri, status)).toBe('done')
  const done = await get(uri)
  expect(done).toMatchObject({ votes: 1, isVotingOpen: false, completionPercentage: 100 })
  expect(done.timeline?.actualCompletion).toMatch(/^20\d\d-/)
  expect(await told(vote(ben, uri))).toBe('VotingClosed')
  await ada.call(`${PLATFORM}.unvoteFeature`, { feature: uri })
  expect(await get(uri)).toMatchObject({ votes: 1, voters: 1 })
  const closed = await put('No votes', { voting: { allowVoting: false } })
  expect(await told(vote(ada, closed.uri))).toBe('VotingClosed')
  const news = { feature: closed.uri, title: 'Almost' }
  await root.call(`${PLATFORM}.postRoadmapUpdate`, news)
  const insiders = ['one', 'two'].map((title) =>
    root.call(`${PLATFORM}.postRoadmapUpdate`, { feature: closed.uri, title, isPublic: false }),
  )
  await Promise.all(insiders)
  const notes = { feature: closed.uri, notes: { updates: [], assignedDeveloper: ada.did } }
  const kept = await root.call<{ notes: { updates: object[] } }>(
    `${PLATFORM}.putRoadmapNotes`,
    notes,
  )
  expect(kept.notes.updates).toHaveLength(2)
  const gone = { uri: closed.uri, reason: 'a mistake' }
  expect(await told(root.call(`${PLATFORM}.deleteRoadmapFeature`, gone))).toBe('done')
  expect(await told(get(closed.uri))).toBe('NotFound')
  await eventually(async () => {
    const left = await anybodyGet<Items<object>>(home.url, `${PLATFORM}.listRoadmapUpdates`, {
      feature: closed.uri,
    })
    expect(left.items).toEqual([])
  })
})

test('feedback is for everybody or for those who run the node, and each is answered where it stands', async () => {
  const { uri: feature } = await put('Reminders')
  const give = (by: Person, text: string, more: object = {}) =>
    by.call<{ uri?: string; id?: string }>(`${PLATFORM}.giveFeatureFeedback`, {
      feature,
      comment: said(text),
      ...more,
    })
  const open = await give(ada, 'A day before, please.', { type: 'use-case' })
  const closed = await give(ada, 'My clients forget.', { isPublic: false })
  const privately = (by: Person) =>
    by.get<Items<{ id: string; response?: object }>>(`${PLATFORM}.listPrivateFeedback`, { feature })
  expect((await privately(ben)).items).toEqual([])
  expect((await privately(ada)).items).toMatchObject([{ id: closed.id }])
  expect((await privately(root)).items).toMatchObject([{ id: closed.id, author: ada.did }])
  const respond = (by: Person, more: object) =>
    told(by.call(`${PLATFORM}.respondToFeedback`, { comment: said('Coming.'), ...more }))
  expect(await respond(ada, { uri: open.uri })).toBe('Forbidden')
  expect(await respond(root, { uri: open.uri })).toBe('done')
  expect(await respond(root, { id: closed.id })).toBe('done')
  expect(await respond(root, { id: 'none' })).toBe('NotFound')
  await eventually(async () => {
    const { items: notices } = await ada.get<Items<{ kind: string }>>(
      `${PLATFORM}.listNotifications`,
    )
    expect(notices.filter(({ kind }) => kind === 'feedbackAnswered')).toHaveLength(2)
  })
  await ben.create(`${PLATFORM}.featureResponse`, {
    feedback: { uri: open.uri, cid: (await get(feature)).cid },
    comment: said('Never!'),
    createdAt: new Date(Date.now() + 60_000).toISOString(),
  })
  const { items } = await anybodyGet<Items<{ response?: { comment: { text: string }[] } }>>(
    home.url,
    `${PLATFORM}.listFeatureFeedback`,
    { feature },
  )
  expect(items).toHaveLength(1)
  expect(items[0]!.response!.comment[0]!.text).toBe('Coming.')
  expect((await privately(ada)).items[0]!.response).toMatchObject({ comment: said('Coming.') })
})
