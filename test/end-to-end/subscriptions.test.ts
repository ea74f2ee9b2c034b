import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Items } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
type Told = { status: string; plan: string; amount: number; nextBilling?: string; uri: string }
type Seen = { viewer: { permissions?: string[]; contentAccess?: string[] } }

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let ada: Person
let mia: Person
let ben: Person
/** Her account is on the other node. */
let rea: Person
let shop: string

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  const names = ['ada', 'mia', 'ben'].map((n) => createPerson(home.url, `${n}.node1.test`))
  ;[ada, mia, ben] = (await Promise.all(names)) as [Person, Person, Person]
  rea = await createPerson(network.nodes[1]!.url, 'rea.node2.test')
  const tier = { key: 'patron', name: 'Patron', price: 900, currency: 'EUR' }
  const { did } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, {
    name: 'Shop',
    memberApproval: 'manual',
    monetization: {
      enabled: true,
      subscriptionTiers: [
        { ...tier, contentAccess: ['premium_posts'] },
        { ...tier, key: 'guest', trialDays: 7, price: 100_000 },
      ],
    },
  })
  shop = did
  const wish = { space: shop, role: 'moderator' }
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
  await mia.call(`${SPACES}.join`, { space: shop, inviteToken: token })
  const member = { space: shop, role: 'member' }
  const second = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, member)
  await ben.call(`${SPACES}.join`, { space: shop, inviteToken: second.token })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

const at = () => ({ proxy: home.service })
const does = (who: Person, method: string, more: object = {}, options = {}) =>
  who.call<Told>(`${SPACES}.${method}`, { space: shop, ...more }, options)
const own = (who: Person, options = {}) =>
  who.get<Told>(`${SPACES}.getOwnSubscription`, { space: shop }, options)
const opens = async (who: Person, options = {}) => {
  const { viewer } = await who.get<Seen>(`${SPACES}.getSpace`, { space: shop }, options)
  return [viewer.permissions?.includes('access_private') ?? false, viewer.contentAccess]
}

test('somebody of another node asks, is approved, subscribes, and loses all by a ban', async () => {
  await expect(does(rea, 'subscribe', { tier: 'patron' }, at())).rejects.toMatchObject({
    error: 'NotAMember',
  })
  const request = await rea.create(
    `${SPACES}.membershipRequest`,
    { space: shop, createdAt: new Date().toISOString() },
    shop,
  )
  expect(await does(rea, 'join', request, at())).toMatchObject({ status: 'pending' })
  await does(mia, 'decideRequest', { member: rea.did, decision: 'approve' })
  expect(await opens(rea, at())).toEqual([false, undefined])
  expect(await does(rea, 'subscribe', { tier: 'patron' }, at())).toMatchObject({
    status: 'active',
    plan: 'patron',
    amount: 900,
    nextStates: ['past_due', 'paused', 'canceled'],
  })
  expect(await opens(rea, at())).toEqual([true, ['premium_posts']])
  await eventually(async () => {
    const nsid = 'co.kendev.platform.listNotifications'
    const { items } = await rea.get<Items<{ title: string }>>(nsid, {}, at())
    expect(items.map(({ title }) => title)).toContain('Your subscription to Shop has begun')
  })
  await does(mia, 'updateMember', { member: rea.did, status: 'banned' })
  expect(await opens(rea, at())).toEqual([false, undefined])
  await expect(does(rea, 'resumeSubscription', {}, at())).rejects.toMatchObject({
    error: 'NotAMember',
  })
  expect(await does(rea, 'cancelSubscription', {}, at())).not.toHaveProperty('nextBilling')
})

test('a member pauses, resumes and ends what they pay for, and nothing out of turn', async () => {
  for (const method of ['pauseSubscription', 'resumeSubscription', 'cancelSubscription'])
    await expect(does(ben, method)).rejects.toMatchObject({ error: 'NotFound' })
  await expect(does(ben, 'subscribe', { tier: 'golden' })).rejects.toMatchObject({
    error: 'NotFound',
  })
  const declined = { tier: 'patron', paymentMethod: 'sandbox-declined' }
  await expect(does(ben, 'subscribe', declined)).rejects.toMatchObject({
    error: 'PaymentDeclined',
  })
  expect([(await own(ben)).status, await opens(ben)]).toEqual(['incomplete', [false, undefined]])
  for (const method of ['pauseSubscription', 'resumeSubscription'])
    await expect(does(ben, method)).rejects.toMatchObject({ error: 'InvalidTransition' })
  const card = { tier: 'patron', paymentMethod: 'sandbox-card' }
  expect(await does(ben, 'subscribe', card)).toMatchObject({ status: 'active' })
  await expect(does(ben, 'subscribe', card)).rejects.toMatchObject({ error: 'AlreadySubscribed' })
  expect(await does(ben, 'resumeSubscription')).toMatchObject({ status: 'active' })
  expect(await does(ben, 'pauseSubscription')).toMatchObject({ status: 'paused' })
  expect(await opens(ben)).toEqual([true, ['premium_posts']])
  expect(await does(ben, 'resumeSubscription')).toMatchObject({ status: 'active' })
  expect((await own(ben)).nextBilling).toBeDefined()
  const ending = await does(ben, 'cancelSubscription')
  expect([ending.status, ending.nextBilling]).toEqual(['active', undefined])
  expect(await opens(ben)).toEqual([true, ['premium_posts']])
})

test('only those who manage the space and the member see a subscription', async () => {
  const { uri } = await own(ben)
  const list = async (who: Person) =>
    (await who.get<Items<Told>>(`${SPACES}.listSubscriptions`, { space: shop })).items
  expect(await list(ada)).toHaveLength(2)
  for (const who of [mia, ben]) expect(await list(who)).toEqual([])
  await expect(mia.get(`${SPACES}.getSubscription`, { uri })).rejects.toMatchObject({
    error: 'NotFound',
  })
  await expect(own(mia)).rejects.toMatchObject({ error: 'NotFound' })
  const write = { space: shop, collection: `${SPACES}.subscription`, rkey: mia.did, record: {} }
  await expect(ada.call(`${SPACES}.putRecord`, write)).rejects.toMatchObject({
    error: 'Forbidden',
  })
})

test('a trial is free, and what comes of members is for those who manage the space', async () => {
  const trial = await does(mia, 'subscribe', { tier: 'guest' })
  expect(trial).toMatchObject({ status: 'trialing', amount: 100_000 })
  const figures = (by: Person, member: Person) =>
    by.get(`${SPACES}.getMemberCrmFigures`, { space: shop, member: member.did })
  expect(await figures(ada, mia)).toMatchObject({
    customerTier: 'prospect',
    conversionEvents: [{ event: 'subscription_started', value: 100_000 }],
    leadScore: 4,
  })
  expect(await figures(ada, ben)).toMatchObject({ customerTier: 'customer', leadScore: 4 })
  for (const [by, about, error] of [
    [mia, ben, 'Forbidden'],
    [ben, ben, 'Forbidden'],
    [ada, rea, 'NotFound'],
  ] as const)
    await expect(figures(by, about)).rejects.toMatchObject({ error })
})

test('how much a member takes part is for them and for who may view analytics', async () => {
  for (const text of ['One', 'Two', 'Three']) await does(ben, 'sendMessage', { text })
  await ada.call(`${SPACES}.putRecord`, {
    space: shop,
    collection: 'co.kendev.content.post',
    record: {
      title: 'Winter',
      content: [{ $type: 'co.kendev.defs#paragraph', text: 'Snow.' }],
      authors: [ben.did],
      createdAt: new Date().toISOString(),
    },
  })
  const of = (by: Person, member: Person) =>
    by.get(`${SPACES}.getMemberEngagement`, { space: shop, member: member.did })
  const figures = {
    messagesCount: 3,
    contentCreated: 1,
    eventsAttended: 0,
    totalTimeSpent: 0,
    engagementScore: 21,
  }
  for (const who of [ada, ben]) expect(await of(who, ben)).toMatchObject(figures)
  await expect(of(mia, ben)).rejects.toMatchObject({ error: 'Forbidden' })
  await expect(of(ada, rea)).rejects.toMatchObject({ error: 'NotFound' })
})

test('a space has a score, from how its members take part', async () => {
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Two' })
  await ben.call(`${SPACES}.join`, { space })
  await ada.call(`${SPACES}.sendMessage`, { space, text: 'Hello' })
  const { stats } = await ben.get<{ stats: { engagementScore?: number } }>(`${SPACES}.getSpace`, {
    space,
  })
  // Ada has 2 for a message and 10 for being here, Ben 0; all who came in a month came in a week.
  expect(stats.engagementScore).toBe(53)
})
