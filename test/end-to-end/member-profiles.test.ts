import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Items } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'
import { PLATFORM, type Provision, accept, asOperator, invite } from './tenancy.ts'

const SPACES = 'co.kendev.spaces'
const SETTINGS = { mentions: true, directMessages: true, announcements: true, events: true }
type Seen = { subject: string; spaceProfile?: object; onboardingCompleted?: boolean }

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let ada: Person
let ben: Person
let eve: Person
/** Her account is on the other node. */
let rea: Person

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  const names = ['ada', 'ben', 'eve'].map((n) => createPerson(home.url, `${n}.node1.test`))
  ;[ada, ben, eve] = (await Promise.all(names)) as [Person, Person, Person]
  rea = await createPerson(network.nodes[1]!.url, 'rea.node2.test')
})
afterAll(async () => network?.[Symbol.asyncDispose]())

async function found(visibility: string): Promise<string> {
  const about = { name: 'Corner Garage', visibility }
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, about)
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, { space })
  await ben.call(`${SPACES}.join`, { space, inviteToken: token })
  return space
}

const present = (who: Person, space: string, about: object, options = {}) =>
  who.call<Seen>(`${SPACES}.putMemberProfile`, { space, ...about }, options)
const seenBy = (who: Person, space: string, member: Person) =>
  who.get<Seen>(`${SPACES}.getMembership`, { space, member: member.did })

describe.each(['public', 'private'])('in a %s space', (visibility) => {
  test('a member says how they present themselves, and others see it with the membership', async () => {
    const space = await found(visibility)
    const about = { displayName: 'Ben the Mechanic', spaceBio: 'Lifts.', interests: ['brakes'] }
    await present(ben, space, { ...about, onboardingCompleted: true })
    expect(await seenBy(ada, space, ben)).toMatchObject({
      spaceProfile: about,
      onboardingCompleted: true,
    })
    const { items } = await ada.get<Items<Seen>>(`${SPACES}.listMemberships`, { space })
    expect(items.find(({ subject }) => subject === ben.did)).toMatchObject({ spaceProfile: about })
    await present(ben, space, { displayName: 'Ben' })
    expect((await seenBy(ada, space, ben)).spaceProfile).toEqual({ displayName: 'Ben' })
    const error = visibility === 'public' ? 'NotAMember' : 'NotFound'
    await expect(present(eve, space, about)).rejects.toMatchObject({ error })
    const list = async () =>
      (await ada.get<Items<Seen>>(`${SPACES}.listMemberProfiles`, { space })).items
    expect(await list()).toHaveLength(1)
    await ada.call(`${SPACES}.updateMember`, { space, member: ben.did, status: 'banned' })
    expect(await list()).toEqual([])
  })

  test('what a member wants to be told of a space is theirs alone', async () => {
    const space = await found(visibility)
    const get = (who: Person) => who.get(`${SPACES}.getNotificationSettings`, { space })
    const put = (who: Person, more: object) =>
      who.call(`${SPACES}.putNotificationSettings`, { space, ...more })
    expect(await get(ben)).toEqual({ space, ...SETTINGS })
    await put(ben, { events: false })
    await put(ben, { mentions: false })
    expect(await get(ben)).toEqual({ space, ...SETTINGS, events: false, mentions: false })
    expect(await get(ada)).toEqual({ space, ...SETTINGS })
    const error = visibility === 'public' ? 'NotAMember' : 'NotFound'
    await expect(get(eve)).rejects.toMatchObject({ error })
    await expect(put(eve, {})).rejects.toMatchObject({ error })
  })
})

test('somebody of another node presents themselves from their own repo', async () => {
  const space = await found('public')
  const at = { proxy: home.service }
  const createdAt = new Date().toISOString()
  const request = await rea.create(`${SPACES}.membershipRequest`, { space, createdAt }, space)
  await rea.call(`${SPACES}.join`, { space, ...request }, at)
  await expect(present(rea, space, { displayName: 'Rea' }, at)).rejects.toMatchObject({
    error: 'WriteAtYourPds',
  })
  const record = { space, displayName: 'Rea', createdAt }
  const written = await rea.create(`${SPACES}.memberProfile`, record, space)
  const { uri, cid } = written
  await present(rea, space, { uri, cid }, at)
  expect((await seenBy(ada, space, rea)).spaceProfile).toEqual({ displayName: 'Rea' })
})

test('whether a member works with the tenant of a space is for who may read that', async () => {
  const body = { subject: eve.did, role: 'super_admin' }
  await asOperator(home, `${PLATFORM}.setNodeRole`, body)
  const { did: tenant } = await eve.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'Riverside Salon',
    subdomain: 'riverside-salon',
    owner: ada.did,
    template: 'service-provider',
    businessType: 'salon',
    plan: 'starter',
  })
  await accept(ben, (await invite(ada, tenant)).token)
  const about = { name: 'Corner Garage', tenant }
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, about)
  await ben.call(`${SPACES}.join`, { space })
  const works = expect.stringContaining(`${PLATFORM}.tenantMembership/${ben.did}`) as string
  expect(await seenBy(ada, space, ben)).toMatchObject({ tenantMembership: works })
  expect(await seenBy(ben, space, ben)).toMatchObject({ tenantMembership: works })
  expect(await seenBy(eve, space, ben)).not.toHaveProperty('tenantMembership')
})

test('a membership says when it last changed', async () => {
  const space = await found('public')
  expect(await seenBy(ada, space, ben)).not.toHaveProperty('updatedAt')
  await ada.call(`${SPACES}.updateMember`, { space, member: ben.did, role: 'moderator' })
  expect(await seenBy(ada, space, ben)).toHaveProperty('updatedAt')
})
