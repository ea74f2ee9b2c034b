import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { askHost } from '../ask-host.ts'
import { startDnsServer } from '../dns-server.ts'
import { silentLog } from '../../src/log.ts'
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

type Domain = {
  domain: string
  type: string
  isPrimary: boolean
  isVerified: boolean
  proof?: { dnsName: string; dnsValue: string }
}

const DAY_MS = 86_400_000
const ALIAS = 'book-a-salon.test'

let ahead = 0
const clock: Clock = { now: () => new Date(systemClock.now().getTime() + ahead) }
let network: Awaited<ReturnType<typeof startNetwork>>
let dns: Awaited<ReturnType<typeof startDnsServer>>
let home: TestNode
let root: Person
let owner: Person
let rival: Person
let salon: string
let garage: string

const someone = (name: string) => someoneOf(home, name)
const provision = (subdomain: string, whose: Person) =>
  root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: subdomain === 'salon-one' ? 'Riverside <Salon>' : 'Garage',
    subdomain,
    owner: whose.did,
    template: 'basic-business',
    plan: 'starter',
  })
const manage = <T = Domain>(by: Person, tenant: string, method: string, more: object = {}) =>
  by.call<T>(`${PLATFORM}.${method}`, { tenant, ...more })
const add = (by: Person, tenant: string, domain: string, type?: string) =>
  manage(by, tenant, 'addDomain', { domain, ...(type && { type }) })
const prove = async (by: Person, tenant: string, domain: string) => {
  const { proof } = await add(by, tenant, domain)
  dns.set(proof!.dnsName, proof!.dnsValue)
  return manage(by, tenant, 'verifyDomain', { domain })
}

const ask = (host: string, path: string) => askHost(home.url, host, path)

beforeAll(async () => {
  dns = await startDnsServer()
  network = await startNetwork(1, { ANGELOS_DNS_SERVERS: dns.address }, () => silentLog, clock)
  home = network.nodes[0]!
  ;[root, owner, rival] = await Promise.all([someone('root'), someone('owner'), someone('rival')])
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  salon = (await provision('salon-one', owner)).did
  garage = (await provision('garage-two', rival)).did
})
afterAll(async () => {
  await network?.[Symbol.asyncDispose]()
  await dns?.[Symbol.asyncDispose]()
})

test('nothing reaches a tenant by a domain it has not proven', async () => {
  const named = await add(owner, salon, `${ALIAS.toUpperCase()}.`)
  expect(named).toMatchObject({ domain: ALIAS, type: 'custom', isVerified: false })
  expect(await told(manage(owner, salon, 'verifyDomain', { domain: ALIAS }))).toBe(
    'DomainNotProven',
  )
  dns.set(named.proof!.dnsName, 'angelos-domain=guessed')
  expect(await told(manage(owner, salon, 'verifyDomain', { domain: ALIAS }))).toBe(
    'DomainNotProven',
  )
  expect(await told(manage(owner, salon, 'updateDomain', { domain: ALIAS, isActive: true }))).toBe(
    'DomainNotProven',
  )
  expect((await ask(ALIAS, '/')).status).toBe(404)
  expect((await ask(ALIAS, `/tls-check?domain=${ALIAS}`)).status).toBe(404)
  dns.set(named.proof!.dnsName, named.proof!.dnsValue)
  ahead = 8 * DAY_MS
  expect(await told(manage(owner, salon, 'verifyDomain', { domain: ALIAS }))).toBe(
    'DomainNotProven',
  )
  ahead = 0
})

test('a proven alias leads to its tenant, and everybody can read that in its record', async () => {
  expect(await prove(owner, salon, ALIAS)).toMatchObject({ isVerified: true, isPrimary: false })
  const site = await anybodyGet(home.url, `${PLATFORM}.getSite`, { domain: ALIAS })
  const primaryDomain = 'salon-one.node1.test'
  const domainAliases = [{ domain: ALIAS, type: 'custom' }]
  expect(site).toMatchObject({ primaryDomain, tenant: { did: salon, domainAliases } })
  const { status, body } = await ask(ALIAS, '/')
  expect(status).toBe(200)
  expect(body).toContain('Riverside &#60;Salon&#62;')
  expect((await ask(`${ALIAS}:443`, `/xrpc/${PLATFORM}.getSite`)).body).toContain(salon)
  expect((await ask('salon-one.node1.test', `/xrpc/${PLATFORM}.getSite`)).body).toContain(salon)
  expect((await ask('localhost', `/xrpc/${PLATFORM}.getSite`)).status).toBe(400)
  expect((await ask('x', `/tls-check?domain=${ALIAS}`)).status).toBe(200)
  expect((await ask('x', '/tls-check?domain=the-owner.node1.test')).status).toBe(200)
  expect((await ask('x', '/tls-check?domain=nobody.node1.test')).status).toBe(404)
})

test('who owns a domain now takes it from who can no longer prove it', async () => {
  const shared = 'corner.test'
  const { proof: first } = await add(owner, salon, shared)
  dns.set(first!.dnsName, first!.dnsValue)
  await manage(owner, salon, 'verifyDomain', { domain: shared })
  const early = await add(rival, garage, shared)
  expect(await told(manage(rival, garage, 'verifyDomain', { domain: shared }))).toBe(
    'DomainNotProven',
  )
  dns.set(first!.dnsName, first!.dnsValue, early.proof!.dnsValue)
  expect(await told(manage(rival, garage, 'verifyDomain', { domain: shared }))).toBe('DomainTaken')
  dns.set(early.proof!.dnsName, early.proof!.dnsValue)
  expect(await told(manage(rival, garage, 'verifyDomain', { domain: shared }))).toBe('done')
  const names = async (by: Person, tenant: string) =>
    (await by.get<Items<Domain>>(`${PLATFORM}.listDomains`, { tenant })).items.map(
      ({ domain }) => domain,
    )
  expect(await names(owner, salon)).toEqual([ALIAS, 'salon-one.node1.test'])
  expect(await names(rival, garage)).toEqual([shared, 'garage-two.node1.test'])
  expect(await told(names(rival, salon))).toBe('NotFound')
})

test('of two who prove a domain at one time it is one’s', async () => {
  const both = [
    [owner, salon],
    [rival, garage],
  ] as const
  const named = await Promise.all(both.map(([by, tenant]) => add(by, tenant, 'twice.test')))
  dns.set(named[0]!.proof!.dnsName, ...named.map(({ proof }) => proof!.dnsValue))
  const verify = both.map(([by, tenant]) =>
    manage(by, tenant, 'verifyDomain', { domain: 'twice.test' }),
  )
  expect(new Set(await Promise.all(verify.map(told)))).toEqual(new Set(['done', 'DomainTaken']))
  for (const [by, tenant] of both)
    await manage(by, tenant, 'removeDomain', { domain: 'twice.test' })
})

test('names of the node are given by the node: only those below a tenant’s own need no proof', async () => {
  const below = 'staging.salon-one.node1.test'
  expect(await add(owner, salon, below, 'staging')).toMatchObject({ isVerified: true })
  expect((await ask(below, '/')).status).toBe(200)
  expect(await told(add(owner, salon, 'garage-two.node1.test'))).toBe('NotSupported')
  expect(await told(add(owner, salon, 'x.garage-two.node1.test', 'subdomain'))).toBe('NotSupported')
  expect(await told(add(owner, salon, 'not a name'))).toBe('InvalidHandle')
  expect(await told(manage(owner, salon, 'removeDomain', { domain: below }))).toBe('done')
  expect((await ask(below, '/')).status).toBe(404)
})

test('at most twenty domains wait for their proof, however many are named at once', async () => {
  const names = Array.from({ length: 24 }, (_, n) => `waiting-${n}.test`)
  const answers = await Promise.all(names.map((name) => told(add(rival, garage, name))))
  expect(answers.filter((answer) => answer === 'done')).toHaveLength(20)
  expect(new Set(answers)).toEqual(new Set(['done', 'LimitExceeded']))
})

test('the primary domain is the handle of the tenant, and people bear names below it', async () => {
  const primary = 'riverside-salon.test'
  await prove(owner, salon, primary)
  await manage(owner, salon, 'updateDomain', { domain: primary, isPrimary: true })
  const handleOf = async (did: string) =>
    (await anybodyGet<{ handle: string }>(home.url, 'co.kendev.actor.getProfile', { actor: did }))
      .handle
  await eventually(async () => expect(await handleOf(salon)).toBe(primary))
  expect((await ask(primary, '/.well-known/atproto-did')).body).toBe(salon)
  expect(await told(manage(owner, salon, 'removeDomain', { domain: primary }))).toBe('NotSupported')

  const stylist = await someone('stylist')
  await accept(stylist, (await invite(owner, salon)).token)
  const handle = `anna.${primary}`
  const set = (by: Person, more: object) => told(manage(by, salon, 'setTenantHandle', more))
  expect(await set(rival, { name: 'anna' })).toBe('NotFound')
  expect(await set(stylist, { account: owner.did, name: 'boss' })).toBe('Forbidden')
  expect(await set(owner, { account: rival.did, name: 'anna' })).toBe('NotFound')
  expect(await set(stylist, { name: 'anna' })).toBe('done')
  expect(await set(owner, { name: 'anna' })).toBe('HandleNotAvailable')
  await eventually(async () => expect(await handleOf(stylist.did)).toBe(handle))
  expect((await ask(handle, '/.well-known/atproto-did')).body).toBe(stylist.did)
  await stylist.call(`${PLATFORM}.leaveTenant`, { tenant: salon })
  expect(await set(owner, { account: stylist.did })).toBe('done')
  await eventually(async () =>
    expect(await handleOf(stylist.did)).toMatch(/^anna-[a-z2-7]{8}\.node1\.test$/),
  )
  expect((await ask(handle, '/.well-known/atproto-did')).status).toBe(404)
})

test('while a tenant is suspended its names say so, and its domains cannot change', async () => {
  const set = (status: string) =>
    root.call(`${PLATFORM}.setTenantStatus`, { tenant: salon, status, reason: 'unpaid' })
  await set('suspended')
  const { status, body } = await ask(ALIAS, '/')
  expect(status).toBe(503)
  expect(body).toContain('is not available at the moment')
  expect(await told(add(owner, salon, 'more.test'))).toBe('TenantSuspended')
  await set('active')
  await manage(owner, salon, 'updateDomain', { domain: ALIAS, isActive: false })
  expect((await ask(ALIAS, '/')).status).toBe(404)
  const verify = await owner.get(`${PLATFORM}.verifyAudit`, { tenant: salon })
  expect(verify).toMatchObject({ holds: true })
})
