import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import {
  type Items,
  type Membership,
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite as inviteTo,
  letterTo,
  someone as someoneOf,
  told,
  tokenIn,
} from './tenancy.ts'

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let root: Person
let owner: Person
let salon: string

const someone = (name: string, node = home) => someoneOf(node, name)
const invite = (by: Person, more: object = {}) => inviteTo(by, salon, more)
const update = (by: Person, member: Person, change: object) =>
  by.call<Membership>(`${PLATFORM}.updateTenantMember`, {
    tenant: salon,
    member: member.did,
    ...change,
  })

async function admit(name: string, role = 'tenant_member'): Promise<Person> {
  const who = await someone(name)
  const { token } = await invite(owner, { role })
  await accept(who, token)
  return who
}

beforeAll(async () => {
  network = await startNetwork(2)
  home = network.nodes[0]!
  ;[root, owner] = await Promise.all([someone('root'), someone('owner')])
})
afterAll(async () => network?.[Symbol.asyncDispose]())

test('who runs the node makes somebody a super admin, and nobody else does', async () => {
  const body = { subject: root.did, role: 'super_admin' }
  expect(await told(owner.call(`${PLATFORM}.setNodeRole`, body))).toBe('Forbidden')
  expect((await asOperator(home, `${PLATFORM}.setNodeRole`, body)).status).toBe(200)
  const role = { subject: owner.did, role: 'editor' }
  expect(await told(root.call(`${PLATFORM}.setNodeRole`, role))).toBe('done')
  expect(await told(owner.call(`${PLATFORM}.setNodeRole`, body))).toBe('Forbidden')
})

const wish = (more: object = {}) => ({
  name: 'Riverside Salon',
  subdomain: 'riverside-salon',
  owner: owner.did,
  template: 'service-provider',
  businessType: 'salon',
  plan: 'starter',
  ...more,
})
const provisioned = (body: Record<string, unknown>) =>
  root.call<Provision>(`${PLATFORM}.provisionTenant`, body)

test('a step that failed leaves no trace once it is rolled back, and nothing was seen before', async () => {
  expect(await told(owner.call(`${PLATFORM}.provisionTenant`, wish()))).toBe('Forbidden')
  expect(await told(provisioned(wish({ subdomain: 'admin' })))).toBe('done')
  const failed = await provisioned(wish({ billingReference: 'sandbox-declined' }))
  expect(failed).toMatchObject({ status: 'pending', isProvisioned: false, nextStates: [] })
  expect(failed.log.at(-1)).toMatchObject({ action: 'createProviderLinks', status: 'failed' })
  expect(await told(provisioned(wish()))).toBe('HandleNotAvailable')
  const tenants = await root.get<Items<unknown>>(`${PLATFORM}.listTenants`)
  expect(tenants.items).toEqual([])
  const { log } = await root.call<Provision>(`${PLATFORM}.rollbackProvisioning`, { id: failed.id })
  const taken = log.filter(({ details }) => details === 'taken back').map(({ action }) => action)
  expect(taken).toEqual([
    'setLimits',
    'registerDomain',
    'applyTemplate',
    'createOwnerMembership',
    'createAccount',
    'validateSubdomain',
  ])
  const spaces = await owner.get<Items<unknown>>('co.kendev.spaces.listSpaces', { filter: 'mine' })
  expect(spaces.items).toEqual([])
  expect(await told(root.get(`${PLATFORM}.getTenantProvision`, { id: failed.id }))).toBe('NotFound')
})

test('a step that failed is retried from there, and the tenant is set up as its template says', async () => {
  const failed = await provisioned(wish({ billingReference: 'sandbox-declined' }))
  const retry = { id: failed.id, billingReference: 'riverside' }
  const made = await root.call<Provision>(`${PLATFORM}.retryProvisioning`, retry)
  expect(made).toMatchObject({
    status: 'active',
    nextStates: ['suspended'],
    isProvisioned: true,
    usage: { users: 1, spaces: 1 },
  })
  expect(made.log.filter(({ action }) => action === 'createAccount')).toHaveLength(1)
  expect(made.features).toEqual(expect.arrayContaining(['crm', 'projects', 'ecommerce']))
  salon = made.did
  const { items } = await owner.get<Items<{ did: string; name: string }>>(
    'co.kendev.spaces.listSpaces',
    { filter: 'mine' },
  )
  expect(items).toMatchObject([{ name: 'Riverside Salon' }])
  const channels = await owner.get<Items<{ name: string }>>('co.kendev.spaces.listChannels', {
    space: items[0]!.did,
  })
  const names = channels.items.map(({ name }) => name)
  expect(names.toSorted((x, y) => x.localeCompare(y))).toEqual([
    'client-requests',
    'consultations',
    'portfolio',
  ])
  const letter = await letterTo(home, 'the-owner.node1.test@example.com')
  expect(letter).toContain('Riverside Salon is ready')
  const told1 = await owner.get<Items<{ kind: string }>>(`${PLATFORM}.listNotifications`)
  expect(told1.items).toMatchObject([{ kind: 'tenantWelcome', isRead: false }])
  expect(await told(someone('squatter').then((who) => found(who, 'riverside-salon')))).toBe(
    'HandleNotAvailable',
  )
})

const found = (who: Person, slug: string) =>
  who.call('co.kendev.spaces.createSpace', { name: 'Another', slug })

test('a person of another node is invited by letter, accepts once, and acts as far as the role goes', async () => {
  const away = network.nodes[1]!
  const manager = await someone('manager', away)
  const other = await someone('other')
  const address = 'manager@elsewhere.example'
  const sent = await invite(owner, { email: address, role: 'tenant_manager', message: 'Join us' })
  expect(sent.token).toBeUndefined()
  const letter = await letterTo(home, address)
  expect(letter).toContain('Join us')
  const token = tokenIn(letter)
  expect(await told(accept(other, token))).toBe('InvalidInvitation')
  expect(await told(accept(other, token.toUpperCase()))).toBe('InvalidInvitation')
  const proxy = home.service
  const membership = await accept(manager, token, { proxy })
  expect(membership).toMatchObject({ role: 'tenant_manager', status: 'active' })
  expect(await told(accept(manager, token, { proxy }))).toBe('done')
  expect(await told(accept(other, token))).toBe('InvalidInvitation')

  const asManager = (nsid: string, body: object) =>
    told(manager.call(`${PLATFORM}.${nsid}`, { tenant: salon, ...body }, { proxy }))
  expect(await asManager('inviteMember', { role: 'tenant_member' })).toBe('Forbidden')
  expect(await asManager('updateTenant', { name: 'Mine' })).toBe('Forbidden')
  expect(await asManager('updateTenantMember', { member: owner.did, role: 'tenant_member' })).toBe(
    'Forbidden',
  )
  const profile = { displayName: 'Max', department: 'Colour' }
  expect(await asManager('updateTenantMember', { member: manager.did, profile })).toBe('done')
  const members = await manager.get<Items<Membership>>(
    `${PLATFORM}.listTenantMemberships`,
    { tenant: salon },
    { proxy },
  )
  expect(members.items).toMatchObject([
    { subject: manager.did, nextStates: ['suspended', 'revoked'] },
    { subject: owner.did },
  ])
  const stranger = await other.get<Items<Membership>>(`${PLATFORM}.listTenantMemberships`, {
    tenant: salon,
  })
  expect(stranger.items).toEqual([])
  expect(await told(update(owner, manager, { status: 'suspended', reason: 'leave' }))).toBe('done')
  expect(await asManager('updateTenantMember', { member: manager.did, profile })).toBe('NotFound')
  expect(await told(update(owner, manager, { status: 'suspended' }))).toBe('done')
  expect(await told(update(owner, manager, { status: 'revoked' }))).toBe('done')
  expect(await told(update(owner, manager, { status: 'active' }))).toBe('InvalidTransition')
})

test('an invitation of somebody of this node is for their own address', async () => {
  const [right, wrong] = [await someone('right'), await someone('wrong')]
  await invite(owner, { email: 'the-right.node1.test@example.com' })
  const token = tokenIn(await letterTo(home, 'the-right.node1.test@example.com'))
  expect(await told(accept(wrong, token))).toBe('InvalidInvitation')
  expect(await told(accept(right, token))).toBe('done')
  const { token: spare } = await invite(owner)
  for (const status of ['suspended', 'active', 'revoked']) {
    await update(owner, right, { status })
    if (status !== 'active') expect(await told(accept(right, spare))).toBe('InvalidInvitation')
  }
  expect(await told(accept(right, (await invite(owner)).token))).toBe('done')
  const { token: revoked, invitation } = await invite(owner)
  const id = { tenant: salon, id: invitation.id }
  expect(await told(owner.call(`${PLATFORM}.revokeTenantInvitation`, id))).toBe('done')
  expect(await told(accept(wrong, revoked))).toBe('InvalidInvitation')
  expect(await told(right.call(`${PLATFORM}.leaveTenant`, { tenant: salon }))).toBe('done')
})

test('two administrators who demote each other at once leave one, and the owner stays', async () => {
  const [x, y] = [await admit('adam', 'tenant_admin'), await admit('beth', 'tenant_admin')]
  expect(await told(update(x, owner, { role: 'tenant_member' }))).toBe('OwnerRequired')
  await owner.call(`${PLATFORM}.transferTenant`, { tenant: salon, to: x.did, reason: 'sold' })
  expect(await told(owner.call(`${PLATFORM}.transferTenant`, { tenant: salon, to: y.did }))).toBe(
    'Forbidden',
  )
  await update(x, owner, { role: 'tenant_manager' })
  const answers = await Promise.all([
    told(update(x, y, { role: 'tenant_member' })),
    told(update(y, x, { role: 'tenant_member' })),
  ])
  expect(answers.toSorted((a, b) => a.localeCompare(b)).filter((a) => a === 'done')).toHaveLength(1)
  expect(await told(x.call(`${PLATFORM}.leaveTenant`, { tenant: salon }))).toBe('LastAdmin')
  await update(x, owner, { role: 'tenant_admin' })
  await x.call(`${PLATFORM}.transferTenant`, { tenant: salon, to: owner.did })
  for (const who of [x, y]) await who.call(`${PLATFORM}.leaveTenant`, { tenant: salon })
})

test('of many who accept at once one takes the last seat, and reading goes on', async () => {
  await Promise.all([...Array(8).keys()].map((n) => admit(`seat-${n}`)))
  const late = await Promise.all(
    [...Array(100).keys()].map(async (n) => {
      const { token } = await invite(owner)
      return { who: await someone(`late-${n}`), token }
    }),
  )
  const answers = await Promise.all(late.map(({ who, token }) => told(accept(who, token))))
  expect(answers.filter((answer) => answer === 'done')).toHaveLength(1)
  expect(new Set(answers)).toEqual(new Set(['done', 'LimitExceeded']))
  const plan = { tenant: salon, plan: 'professional', reason: 'they have grown' }
  const { usage } = await root.call<Provision>(`${PLATFORM}.setTenantPlan`, plan)
  expect(usage.users).toBe(10)
  const refused = late[answers.indexOf('LimitExceeded')]!
  expect(await told(accept(refused.who, refused.token))).toBe('done')
  await eventually(async () => {
    const { items } = await owner.get<Items<{ kind: string }>>(`${PLATFORM}.listNotifications`)
    if (!items.some(({ kind }) => kind === 'limitWarning')) throw new Error('not warned yet')
  })
})

test('a suspended tenant can be read and not changed, and is brought back', async () => {
  const set = (status: string, from?: string) =>
    told(
      root.call(`${PLATFORM}.setTenantStatus`, { tenant: salon, status, from, reason: 'unpaid' }),
    )
  expect(await set('archived')).toBe('InvalidTransition')
  expect(await set('suspended', 'trial')).toBe('InvalidTransition')
  expect(await set('suspended')).toBe('done')
  expect(await set('suspended')).toBe('done')
  expect(await told(invite(owner))).toBe('TenantSuspended')
  const change = { tenant: salon, name: 'Other' }
  expect(await told(owner.call(`${PLATFORM}.updateTenant`, change))).toBe('TenantSuspended')
  const settings = `at://${salon}/co.kendev.platform.tenantSettings/self`
  expect(await told(owner.get(`${PLATFORM}.getTenantSettings`, { uri: settings }))).toBe('done')
  expect(await told(root.get(`${PLATFORM}.getTenantSettings`, { uri: settings }))).toBe('NotFound')
  expect(await set('active')).toBe('done')
  expect(await told(owner.call(`${PLATFORM}.updateTenant`, change))).toBe('done')
  const uri = `at://${salon}/co.kendev.platform.tenant/self`
  expect(await root.get(`${PLATFORM}.getTenant`, { uri })).toMatchObject({ name: 'Other' })
})

test('the audit says who did what, holds, and shows where it was tampered with', async () => {
  type Event = { seq: number; action: string; actor: string; reason?: string }
  const page = (cursor?: string) =>
    owner.get<Items<Event>>(`${PLATFORM}.listAuditEvents`, { tenant: salon, limit: 100, cursor })
  const events = await page()
  const older = await page(events.cursor)
  const transfer = [...events.items, ...older.items].find(({ reason }) => reason === 'sold')
  expect(transfer).toMatchObject({ action: `${PLATFORM}.transferTenant`, actor: owner.did })
  const verify = () => owner.get(`${PLATFORM}.verifyAudit`, { tenant: salon })
  const whole = events.items[0]!.seq
  expect(await verify()).toEqual({ events: whole, holds: true })
  const client = new pg.Client({ connectionString: home.databaseUrl })
  await client.connect()
  const tamper = `update node."auditEvent" set reason = $2 where chain = $1 and reason = $3`
  await client.query(tamper, [salon, 'given away', 'sold'])
  expect(await verify()).toMatchObject({ holds: false, brokenAt: transfer!.seq })
  await client.query(tamper, [salon, 'sold', 'given away'])
  expect(await verify()).toEqual({ events: whole, holds: true })
  const kept = await client.query('select act from node."pendingAct"')
  expect(kept.rows).toEqual([])
  await client.end()
  const member = await someone('outsider')
  const asked = member.get(`${PLATFORM}.listAuditEvents`, { tenant: salon })
  expect(await told(asked)).toBe('NotFound')
})
