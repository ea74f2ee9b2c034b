import { afterAll, beforeAll, expect, test } from 'vitest'
import { collections } from '../../src/appview/collections/index.ts'
import { allMethods } from '../leaks/methods.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet } from '../person.ts'
import { PLATFORM, type Provision, accept, asOperator, invite, someone, told } from './tenancy.ts'

/** Everybody who may ask, by how they stand to the tenant asked about. */
const CALLERS = [
  'anonymous',
  'stranger',
  'otherAdmin',
  'revoked',
  'suspended',
  'member',
  'manager',
  'admin',
  'owner',
  'superAdmin',
] as const
type Caller = (typeof CALLERS)[number]

const SETTINGS = `${PLATFORM}.tenantSettings`
const PEOPLE: readonly Caller[] = ['member', 'manager', 'admin', 'owner']
const ADMINS: readonly Caller[] = ['admin', 'owner']

/** Who is let through by each method about a tenant. To others of its people it is `Forbidden`; to
 *  all others the tenant is not there. */
const OPEN_TO: Readonly<Record<string, readonly Caller[]>> = {
  addDomain: ADMINS,
  getMemberActivity: ['manager', 'admin', 'owner'],
  inviteMember: ADMINS,
  joinTenant: PEOPLE,
  leaveTenant: PEOPLE,
  listAuditEvents: ADMINS,
  listDomains: ADMINS,
  listTenantInvitations: ADMINS,
  putTenantSettings: ADMINS,
  removeDomain: ADMINS,
  revokeTenantInvitation: ADMINS,
  setTenantHandle: PEOPLE,
  setTenantPlan: ['superAdmin'],
  setTenantStatus: ['superAdmin'],
  transferTenant: ['owner', 'superAdmin'],
  updateDomain: ADMINS,
  updateTenant: ADMINS,
  updateTenantMember: ADMINS,
  verifyAudit: ADMINS,
  verifyDomain: ADMINS,
}
/** Lists answer an empty page to who may not see what they list. */
const LISTS: Readonly<Record<string, readonly Caller[]>> = { listTenantMemberships: PEOPLE }
const SUPER_ADMIN_ONLY = ['setTenantPlan', 'setTenantStatus']

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let tenant: string
const people = {} as Record<Exclude<Caller, 'anonymous'>, Person>

beforeAll(async () => {
  network = await startNetwork(1)
  home = network.nodes[0]!
  for (const caller of CALLERS)
    if (caller !== 'anonymous') people[caller] = await someone(home, caller.toLowerCase())
  const { superAdmin, owner, otherAdmin } = people
  const role = { subject: superAdmin.did, role: 'super_admin' }
  await asOperator(home, `${PLATFORM}.setNodeRole`, role)
  const set = (name: string, who: Person) =>
    superAdmin.call<Provision>(`${PLATFORM}.provisionTenant`, {
      name,
      subdomain: name,
      owner: who.did,
      template: 'basic-business',
      plan: 'starter',
    })
  tenant = (await set('first-business', owner)).did
  await set('other-business', otherAdmin)
  const roles = { admin: 'tenant_admin', manager: 'tenant_manager' } as Record<string, string>
  for (const caller of ['admin', 'manager', 'member', 'suspended', 'revoked'] as const) {
    const { token } = await invite(owner, tenant, { role: roles[caller] ?? 'tenant_member' })
    await accept(people[caller], token)
  }
  for (const status of ['suspended', 'revoked'] as const)
    await owner.call(`${PLATFORM}.updateTenantMember`, {
      tenant,
      member: people[status].did,
      status,
    })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

const methods = allMethods().filter(({ nsid }) => nsid.startsWith(`${PLATFORM}.`))
const about = methods.filter(({ fields }) => fields.required?.includes('tenant'))
const nameOf = (nsid: string) => nsid.slice(PLATFORM.length + 1)

/** Each asks for a handle of their own. */
let names = 0

/** A question that gets as far as the check of who asks, and does as little as can be. */
function bodyFor(name: string): Record<string, unknown> {
  const more: Record<string, Record<string, unknown>> = {
    addDomain: { domain: 'a.first-business.node1.test' },
    getMemberActivity: { member: people.admin.did },
    inviteMember: { role: 'tenant_member' },
    putTenantSettings: { settings: { $type: SETTINGS, updatedAt: '2026-11-23T10:00:00Z' } },
    removeDomain: { domain: 'none.test' },
    revokeTenantInvitation: { id: 'none' },
    setTenantHandle: { name: `n-${(names += 1)}` },
    setTenantPlan: { plan: 'starter' },
    setTenantStatus: { status: 'active' },
    transferTenant: { to: people.owner.did },
    updateDomain: { domain: 'first-business.node1.test' },
    updateTenantMember: { member: people.member.did, status: 'active' },
    verifyDomain: { domain: 'first-business.node1.test' },
  }
  return { tenant, ...more[name] }
}

async function ask(caller: Caller, { nsid, kind }: (typeof methods)[number]): Promise<string> {
  const body = bodyFor(nameOf(nsid))
  const read = kind === 'query'
  if (caller === 'anonymous') {
    if (read) return told(anybodyGet(home.url, nsid, body))
    const sent = await fetch(`${home.url}/xrpc/${nsid}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return ((await sent.json()) as { error?: string }).error ?? 'done'
  }
  return told(read ? people[caller].get(nsid, body) : people[caller].call(nsid, body))
}

/** Methods that are asked about something there is not. */
const NAMES_NOTHING = { removeDomain: true, revokeTenantInvitation: true }

function expectedOf(caller: Caller, name: string): readonly string[] {
  if (caller === 'anonymous') return ['AuthenticationRequired']
  if (OPEN_TO[name]!.includes(caller))
    // Past the check: what is named there is not.
    return ['done', ...(name in NAMES_NOTHING ? ['NotFound'] : [])]
  if (name === 'joinTenant') return ['SignupClosed']
  const sees = PEOPLE.includes(caller) || SUPER_ADMIN_ONLY.includes(name)
  return sees ? ['Forbidden'] : ['NotFound']
}

test('every method about a tenant is in the table of who may call it', () => {
  const known = [...Object.keys(OPEN_TO), ...Object.keys(LISTS)]
  const all = about.map(({ nsid }) => nameOf(nsid))
  expect(known.toSorted((x, y) => x.localeCompare(y))).toEqual(
    all.toSorted((x, y) => x.localeCompare(y)),
  )
})

test('a tenant is there for its people only, and for each as far as the role goes', async () => {
  const wrong: string[] = []
  // Leaving takes people away, so it is asked last.
  const order = about.toSorted((x, y) => Number(isLeaving(x)) - Number(isLeaving(y)))
  for (const method of order.filter(({ nsid }) => !(nameOf(nsid) in LISTS)))
    for (const caller of CALLERS) {
      const name = nameOf(method.nsid)
      if (isLeaving(method) && ['owner', 'admin'].includes(caller)) continue
      const answer = await ask(caller, method)
      if (!expectedOf(caller, name).includes(answer)) wrong.push(`${caller} ${name}: ${answer}`)
    }
  expect(wrong).toEqual([])
})

const isLeaving = ({ nsid }: { nsid: string }) => nameOf(nsid) === 'leaveTenant'

test('what is kept for the people of a tenant is read by those of its audience only', async () => {
  const wrong: string[] = []
  // What a business keeps beside is asked for in business-leaks.test.ts.
  const kept = collections.filter(
    ({ access, nsid }) => access.of === 'tenant' && nsid.startsWith(`${PLATFORM}.`),
  )
  expect(kept.length).toBeGreaterThanOrEqual(2)
  const readers = { members: PEOPLE, managers: ADMINS } as Record<string, readonly Caller[]>
  for (const { nsid, access } of kept)
    for (const caller of CALLERS) {
      const name = nsid.slice(PLATFORM.length + 1)
      const rkey = name === 'tenantMembership' ? people.admin.did : 'self'
      const get = `${PLATFORM}.get${name[0]!.toUpperCase()}${name.slice(1)}`
      const params = { uri: `at://${tenant}/${nsid}/${rkey}` }
      const asked =
        caller === 'anonymous' ? anybodyGet(home.url, get, params) : people[caller].get(get, params)
      // The member and the manager have left by now.
      const isIn = readers[access.audience!]!.includes(caller) && !GONE.includes(caller)
      const answer = await told(asked)
      if (answer !== (isIn ? 'done' : 'NotFound')) wrong.push(`${caller} ${get}: ${answer}`)
    }
  for (const caller of CALLERS) {
    const list = { nsid: `${PLATFORM}.listTenantMemberships`, params: { tenant } }
    const asked =
      caller === 'anonymous'
        ? anybodyGet<{ items: object[] }>(home.url, list.nsid, list.params)
        : people[caller].get<{ items: object[] }>(list.nsid, list.params)
    const isIn = LISTS['listTenantMemberships']!.includes(caller) && !GONE.includes(caller)
    if ((await asked).items.length > 0 !== isIn) wrong.push(`${caller} lists`)
  }
  expect(wrong).toEqual([])
})

const GONE: readonly Caller[] = ['member', 'manager']

test('one tenant’s administrator finds nothing of another by any parameter', async () => {
  const { otherAdmin, member, owner } = people
  const wrong: string[] = []
  for (const { nsid, kind, fields } of methods.filter((m) => m.kind !== 'subscription')) {
    const names = Object.keys(fields.properties ?? {})
    const values: Record<string, unknown> = {
      ...bodyFor(nameOf(nsid)),
      id: tenant,
      uri: `at://${tenant}/${PLATFORM}.tenantSettings/self`,
      member: member.did,
      subject: member.did,
      role: 'tenant_member',
      kind: 'limitWarning',
      optOut: false,
      name: 'x',
      subdomain: 'xxx',
      owner: owner.did,
      template: 'custom',
      token: 'x'.repeat(43),
      node: tenant,
      domain: 'first-business.node1.test',
    }
    const body = Object.fromEntries(names.flatMap((n) => (n in values ? [[n, values[n]]] : [])))
    const asked = kind === 'query' ? otherAdmin.get(nsid, body) : otherAdmin.call(nsid, body)
    const answer = await asked.then(
      (found) => JSON.stringify(found),
      (error: Error) => error.message,
    )
    if (/First|first-business|"items":\[\{/.test(answer) && !isPublic(nsid))
      wrong.push(`${nsid}: ${answer.slice(0, 200)}`)
  }
  expect(wrong).toEqual([])
})

/** What tenants say of themselves to everybody, and what the caller was told of their own. */
const isPublic = (nsid: string) =>
  ['getSite', 'getTenant', 'listTenants', 'listNotifications'].includes(nameOf(nsid))
