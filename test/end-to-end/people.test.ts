import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import {
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  letterTo,
  someone as someoneOf,
  told,
} from './tenancy.ts'

type Account = {
  did: string
  handle?: string
  email?: string
  verified?: boolean
  roles: string[]
  tenants: { tenant: string; role: string; status: string; isOwner: boolean }[]
  lastLoginAt?: string
}

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let root: Person
let owner: Person
let club: string

const someone = (name: string, node = home) => someoneOf(node, name)
const accountOf = (who: Person, options = {}) =>
  who.get<Account>('co.kendev.actor.getAccount', {}, options)
const settings = (more: object) =>
  owner.call(`${PLATFORM}.putTenantSettings`, {
    tenant: club,
    settings: {
      $type: `${PLATFORM}.tenantSettings`,
      updatedAt: '2026-11-23T10:00:00Z',
      ...more,
    },
  })
const joins = (who: Person, options = {}) =>
  told(who.call(`${PLATFORM}.joinTenant`, { tenant: club }, options))

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  ;[root, owner] = await Promise.all([someone('root'), someone('owner')])
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const made = await root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'River Club',
    subdomain: 'river-club',
    owner: owner.did,
    template: 'non-profit',
    plan: 'starter',
  })
  club = made.did
})
afterAll(async () => network?.[Symbol.asyncDispose]())

test('people see their own account, when they last signed in and where they work', async () => {
  const account = await accountOf(owner)
  expect(account).toMatchObject({
    handle: 'the-owner.node1.test',
    email: 'the-owner.node1.test@example.com',
    verified: false,
    roles: [],
    tenants: [{ tenant: club, role: 'tenant_admin', status: 'active', isOwner: true }],
  })
  expect(account.lastLoginAt).toBeUndefined()
  expect((await accountOf(root)).roles).toEqual(['super_admin'])
  const signIn = (password: string) =>
    fetch(`${home.url}/xrpc/com.atproto.server.createSession`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: owner.handle, password }),
    })
  expect((await signIn('wrong')).status).toBe(401)
  expect((await accountOf(owner)).lastLoginAt).toBeUndefined()
  const before = new Date().toISOString()
  expect((await signIn('a-long-password')).status).toBe(200)
  expect((await accountOf(owner)).lastLoginAt! >= before).toBe(true)
})

test('a tenant admits whoever wants to when it says so, or who has confirmed an address', async () => {
  const [ann, bob] = [await someone('ann'), await someone('bob')]
  expect(await joins(ann)).toBe('SignupClosed')
  await settings({ allowPublicSignup: true, requireEmailVerification: true })
  expect(await joins(ann)).toBe('EmailNotVerified')
  await ann.call('com.atproto.server.requestEmailConfirmation')
  const letter = await letterTo(home, 'the-ann.node1.test@example.com')
  const token = /\b[A-Z2-7]{5}-[A-Z2-7]{5}\b/.exec(letter)![0]
  await ann.call('com.atproto.server.confirmEmail', {
    email: 'the-ann.node1.test@example.com',
    token,
  })
  expect((await accountOf(ann)).verified).toBe(true)
  expect(await joins(ann)).toBe('done')
  expect(await joins(ann)).toBe('done')
  const away = await someone('away', network.nodes[1]!)
  const proxy = { proxy: home.service }
  expect(await joins(away, proxy)).toBe('EmailNotVerified')
  await settings({ allowPublicSignup: true })
  expect(await joins(away, proxy)).toBe('done')
  expect((await accountOf(away, proxy)).tenants).toMatchObject([
    { tenant: club, role: 'tenant_member', isOwner: false },
  ])
  expect(await joins(bob)).toBe('done')
  const revoke = { tenant: club, member: bob.did, status: 'revoked' }
  await owner.call(`${PLATFORM}.updateTenantMember`, revoke)
  expect(await joins(bob)).toBe('SignupClosed')
  expect((await accountOf(bob)).tenants).toEqual([])
})

test('what people do for a tenant is counted for them and for those who see its figures', async () => {
  const cleo = await someone('cleo')
  await accept(cleo, (await invite(owner, club)).token)
  const activity = (by: Person, member = cleo) =>
    by.get<{ loginCount: number; spacesJoined: number; contentCreated: number }>(
      `${PLATFORM}.getMemberActivity`,
      { tenant: club, member: member.did },
    )
  expect(await told(activity(cleo, owner))).toBe('Forbidden')
  const stranger = await someone('stranger')
  expect(await told(activity(stranger))).toBe('NotFound')
  expect(await told(activity(owner, stranger))).toBe('NotFound')
  const { did: space } = await owner.call<{ did: string }>('co.kendev.spaces.createSpace', {
    name: 'Volunteers',
    tenant: club,
  })
  await cleo.call('co.kendev.spaces.join', { space })
  await cleo.call('co.kendev.spaces.sendMessage', {
    space,
    text: 'Here I am',
  })
  await eventually(async () =>
    expect(await activity(owner)).toMatchObject({
      loginCount: 1,
      spacesJoined: 1,
      contentCreated: 1,
    }),
  )
  expect(await activity(cleo)).toHaveProperty('lastActiveAt')
})

test('who has a profile and a space is welcomed with fifty points, once', async () => {
  const dora = await someone('dora')
  const done = () =>
    dora.call<{ award: { points: number; counts: boolean; type: string } }>(
      'co.kendev.actor.completeOnboarding',
      {},
    )
  expect(await told(done())).toBe('NotYet')
  await dora.create('co.kendev.actor.profile', { displayName: 'Dora' }, 'self')
  expect(await told(done())).toBe('NotYet')
  const { did: space } = await owner.call<{ did: string }>('co.kendev.spaces.createSpace', {
    name: 'Newcomers',
  })
  await dora.call('co.kendev.spaces.join', { space })
  await eventually(async () => expect(await told(done())).toBe('done'))
  const [first, again] = await Promise.all([done(), done()])
  expect(first.award).toMatchObject({ points: 50, counts: true, type: 'welcome' })
  expect(again).toEqual(first)
  const karma = await dora.get('co.kendev.karma.getKarma', { actor: dora.did })
  expect(karma).toMatchObject({ score: 50 })
  const forged = { recipient: dora.did, type: 'welcome', points: 50, reason: 'x' }
  expect(await told(owner.call('co.kendev.karma.giveAward', forged))).not.toBe('done')
})
