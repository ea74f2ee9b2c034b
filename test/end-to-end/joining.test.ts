import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { Items } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type CallError, type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
type Told = { subject: string; status: string; cid?: string }

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let ada: Person
let mia: Person
let ben: Person
/** Her account is on the other node. */
let rea: Person
let club: string

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  const names = ['ada', 'mia', 'ben'].map((n) => createPerson(home.url, `${n}.node1.test`))
  ;[ada, mia, ben] = (await Promise.all(names)) as [Person, Person, Person]
  rea = await createPerson(network.nodes[1]!.url, 'rea.node2.test')
  club = await found({ memberApproval: 'manual' })
  const inviteToken = await invited(club, 'moderator')
  await mia.call(`${SPACES}.join`, { space: club, inviteToken })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

const found = async (about: object) =>
  (await ada.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Chess Club', ...about })).did
const invited = async (space: string, role = 'member', by = ada) =>
  (await by.call<{ token: string }>(`${SPACES}.createInvitation`, { space, role })).token
const join = (who: Person, space: string, more: object = {}) =>
  who.call<Told>(`${SPACES}.join`, { space, ...more })
const decide = (by: Person, member: { did: string }, decision: string, more: object = {}) =>
  by.call<Told>(`${SPACES}.decideRequest`, { space: club, member: member.did, decision, ...more })
const told = async (who: Person): Promise<string[]> => {
  const { items } = await who.get<Items<{ title: string }>>('co.kendev.platform.listNotifications')
  return items.map(({ title }) => title)
}
async function asks(who: Person): Promise<string> {
  const request = await who.create(
    `${SPACES}.membershipRequest`,
    { space: club, createdAt: new Date().toISOString() },
    club,
  )
  const { status } = await who.call<Told>(
    `${SPACES}.join`,
    { space: club, ...request },
    { proxy: home.service },
  )
  return status
}

test('where people decide, whoever asks waits, and those who decide are told', async () => {
  expect(await join(ben, club, { message: 'I play.' })).toMatchObject({ status: 'pending' })
  expect(await asks(rea)).toBe('pending')
  const post = ben.call(`${SPACES}.sendMessage`, { space: club, text: 'Hello?' })
  await expect(post).rejects.toMatchObject({ error: 'NotAMember' })
  const waiting = { space: club, admitted: false }
  const { items } = await mia.get<Items<Told>>(`${SPACES}.listMembershipRequests`, waiting)
  expect(items.map(({ subject }) => subject).toSorted()).toEqual([ben.did, rea.did].toSorted())
  await eventually(async () => {
    for (const who of [ada, mia])
      expect(await told(who)).toContain(`${rea.did} asks to join Chess Club`)
  })
  expect(await told(ben)).toEqual([])
})

test('only those who manage members decide, and only about who has asked', async () => {
  for (const [by, about, error] of [
    [ben, ben, 'NotAMember'],
    [rea, rea, 'NotFound'],
    [mia, { did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz' }, 'NotFound'],
  ] as const)
    await expect(decide(by, about, 'approve')).rejects.toMatchObject({ error })
  await expect(decide(mia, ben, 'maybe')).rejects.toMatchObject({ error: 'InvalidRecord' })
  const other = await found({ name: 'Other Club' })
  const elsewhere = { space: other, member: ben.did, decision: 'approve' }
  await expect(mia.call(`${SPACES}.decideRequest`, elsewhere)).rejects.toMatchObject({
    error: 'NotAMember',
  })
})

test('who is declined is told why, nobody else learns of it, and they may ask again', async () => {
  expect(await decide(mia, ben, 'decline', { reason: 'We are full.' })).toMatchObject({
    status: 'declined',
  })
  await eventually(async () =>
    expect(await told(ben)).toContain('Chess Club has declined your request to join'),
  )
  const of = async (by: Person) =>
    (await by.get<Told>(`${SPACES}.getMembership`, { space: club, member: ben.did })).status
  expect([await of(ben), await of(ada)]).toEqual(['declined', 'declined'])
  const eve = await createPerson(home.url, 'eve.node1.test')
  expect(await of(eve)).toBe('pending')
  expect(await join(ben, club)).toMatchObject({ status: 'pending' })
})

test('two who approve one request at once make one member, who is told once', async () => {
  const both = await Promise.all([decide(ada, rea, 'approve'), decide(mia, rea, 'approve')])
  expect(both.map(({ status }) => status)).toEqual(['active', 'active'])
  const { items } = await ada.get<Items<Told>>(`${SPACES}.listMemberships`, { space: club })
  const hers = items.filter(({ subject }) => subject === rea.did)
  expect(hers).toHaveLength(1)
  expect(await decide(mia, rea, 'approve')).toMatchObject({ cid: hers[0]!.cid })
  const approved = async () =>
    (
      await rea.get<Items<{ title: string }>>('co.kendev.platform.listNotifications', undefined, {
        proxy: home.service,
      })
    ).items.filter(({ title }) => title.includes('approved'))
  await eventually(async () => expect(await approved()).toHaveLength(1))
  await expect(decide(mia, rea, 'decline')).rejects.toMatchObject({ error: 'InvalidTransition' })
})

test('approved and declined at once, a request is one of the two', async () => {
  const done = await Promise.allSettled([decide(ada, ben, 'approve'), decide(mia, ben, 'decline')])
  const { status } = await ben.get<Told>(`${SPACES}.getMembership`, {
    space: club,
    member: ben.did,
  })
  expect(['active', 'declined']).toContain(status)
  for (const [n, one] of done.entries())
    if (one.status === 'rejected')
      expect((one.reason as CallError).error, `call ${n}`).toBe('InvalidTransition')
  await decide(ada, ben, 'approve')
  expect(await join(ben, club)).toMatchObject({ status: 'active' })
})

test('who was banned is not approved', async () => {
  const eli = await createPerson(home.url, 'eli.node1.test')
  await join(eli, club)
  await mia.call(`${SPACES}.updateMember`, { space: club, member: eli.did, status: 'banned' })
  for (const decision of ['approve', 'decline'])
    await expect(decide(mia, eli, decision)).rejects.toMatchObject({ error: 'InvalidTransition' })
  expect((await eli.call<Told>(`${SPACES}.leave`, { space: club })).status).toBe('banned')
  await expect(join(eli, club)).rejects.toMatchObject({ error: 'Banned' })
})

test('a space that takes a code, or invited people only, admits nobody without one', async () => {
  for (const about of [
    { inviteSettings: { requireInviteCode: true } },
    { memberApproval: 'disabled' },
    { memberApproval: 'manual', inviteSettings: { requireInviteCode: true } },
  ]) {
    const space = await found(about)
    await expect(join(ben, space)).rejects.toMatchObject({ error: 'JoinClosed' })
    const wrong = join(ben, space, { inviteToken: 'no-such-token' })
    await expect(wrong).rejects.toMatchObject({ error: 'InvalidInvitation' })
    const inviteToken = await invited(space)
    expect(await join(ben, space, { inviteToken })).toMatchObject({ status: 'active' })
    await expect(join(mia, space, { inviteToken })).rejects.toMatchObject({
      error: 'InvalidInvitation',
    })
  }
})

test('a declined invitation admits nobody, and whoever made it is told', async () => {
  const inviteToken = await invited(club)
  const decline = () => mia.call(`${SPACES}.declineInvitation`, { space: club, inviteToken })
  expect(await decline()).toEqual({ space: club, status: 'declined' })
  await expect(decline()).rejects.toMatchObject({ error: 'InvalidInvitation' })
  await eventually(async () =>
    expect(await told(ada)).toContain(`${mia.did} does not join Chess Club`),
  )
})

test('members invite where the space lets them, and nobody above themselves', async () => {
  const space = await found({ inviteSettings: { membersCanInvite: true, requireInviteCode: true } })
  await join(ben, space, { inviteToken: await invited(space) })
  expect(await invited(space, 'member', ben)).not.toBe('')
  await expect(invited(space, 'moderator', ben)).rejects.toMatchObject({ error: 'Forbidden' })
  await expect(invited(club, 'member', ben)).rejects.toMatchObject({ error: 'Forbidden' })
})
