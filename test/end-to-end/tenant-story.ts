import { askHost } from '../ask-host.ts'
import type { startDnsServer } from '../dns-server.ts'
import type { TestNode } from '../network.ts'
import { type Person, anybodyGet } from '../person.ts'
import { check, refuses } from './story-checks.ts'
import {
  type Membership,
  PLATFORM,
  type Provision,
  accept,
  asOperator,
  invite,
  letterTo,
  someone,
  tokenIn,
} from './tenancy.ts'

type Stage = {
  a: Pick<TestNode, 'url' | 'dataDir' | 'handleDomain'>
  b: Pick<TestNode, 'url' | 'handleDomain'>
  /** What names node A's AppView to other hosts. */
  proxy: string
  dns: Awaited<ReturnType<typeof startDnsServer>>
  say: (line: string) => void
}

const SEATS = 10
const ALIAS = 'book-riverside.test'

/** A salon on node A: set up step by step, joined by a manager of node B, full, reached by a domain
 *  of its own, suspended, handed over. Throws where it does not go as told. */
export async function playTenantStory(stage: Stage): Promise<void> {
  const { a, b, proxy, say } = stage
  const [root, owner] = await Promise.all([someone(a, 'root'), someone(a, 'owner')])
  await asOperator(a, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
  const salon = await setUp(root, owner, say)

  const manager = await someone(b, 'manager')
  const address = 'manager@elsewhere.example'
  await invite(owner, salon, { email: address, role: 'tenant_manager' })
  const token = tokenIn(await letterTo(a, address))
  const joined = await accept(manager, token, { proxy })
  check(joined.role === 'tenant_manager', 'the manager has the role of the invitation')
  await refuses(
    () => manager.call(`${PLATFORM}.inviteMember`, { tenant: salon, role: 'x' }, { proxy }),
    'Forbidden',
  )
  await refuses(() => owner.call(`${PLATFORM}.acceptInvitation`, { token }), 'InvalidInvitation')
  say(`${manager.did} on B followed the letter and is manager: what that role does, and no more`)

  await fillSeats(stage, owner, salon)
  await prove(stage, owner, salon)

  const setStatus = (status: string) =>
    root.call(`${PLATFORM}.setTenantStatus`, { tenant: salon, status, reason: 'unpaid' })
  await setStatus('suspended')
  const change = { tenant: salon, description: 'Open on Mondays.' }
  await refuses(() => owner.call(`${PLATFORM}.updateTenant`, change), 'TenantSuspended')
  const settings = `at://${salon}/${PLATFORM}.tenantSettings/self`
  await owner.get(`${PLATFORM}.getTenantSettings`, { uri: settings })
  check((await askHost(a.url, ALIAS)).status === 503, 'visitors of a suspended tenant see a notice')
  await setStatus('active')
  say('suspended, the salon could be read and not changed; it is active again')

  await owner.call(`${PLATFORM}.updateTenantMember`, {
    tenant: salon,
    member: manager.did,
    role: 'tenant_admin',
  })
  await owner.call(`${PLATFORM}.transferTenant`, { tenant: salon, to: manager.did, reason: 'sold' })
  await refuses(
    () => owner.call(`${PLATFORM}.transferTenant`, { tenant: salon, to: owner.did }),
    'Forbidden',
  )
  const audit = await manager.get<{ events: number; holds: boolean }>(
    `${PLATFORM}.verifyAudit`,
    { tenant: salon },
    { proxy },
  )
  check(audit.holds && audit.events > SEATS, 'the audit of the salon holds')
  say(`the salon was sold to the manager on B; its audit of ${audit.events} events holds`)
}

/** Fails at a step, is rolled back; fails again, and goes on from there. */
async function setUp(root: Person, owner: Person, say: Stage['say']): Promise<string> {
  const provision = (method: string, body: object) =>
    root.call<Provision>(`${PLATFORM}.${method}`, body as Record<string, unknown>)
  const wish = {
    name: 'Riverside Salon',
    subdomain: 'riverside-salon',
    owner: owner.did,
    template: 'service-provider',
    plan: 'starter',
    billingReference: 'sandbox-declined',
  }
  const first = await provision('provisionTenant', wish)
  check(first.log.at(-1)?.status === 'failed', 'the payment provider declined')
  await provision('rollbackProvisioning', { id: first.id })
  await refuses(() => root.get(`${PLATFORM}.getTenantProvision`, { id: first.id }), 'NotFound')
  say('setting up a salon failed at the payment provider, and every step was taken back')
  const again = await provision('provisionTenant', wish)
  const made = await provision('retryProvisioning', { id: again.id, billingReference: 'riverside' })
  check(made.status === 'active', 'the salon is active')
  say(`the second time it went on from the step that failed: ${made.did} is active`)
  return made.did
}

async function fillSeats({ a, say }: Stage, owner: Person, salon: string): Promise<void> {
  const taken = 2
  const late = await Promise.all(
    Array.from({ length: SEATS - taken + 1 }, async (_, n) => {
      const who = await someone(a, `stylist-${n}`)
      return { who, token: (await invite(owner, salon)).token }
    }),
  )
  for (const { who, token } of late.slice(1)) await accept(who, token)
  await refuses(() => accept(late[0]!.who, late[0]!.token), 'LimitExceeded')
  const { items } = await owner.get<{ items: Membership[] }>(`${PLATFORM}.listTenantMemberships`, {
    tenant: salon,
  })
  check(items.length === SEATS, 'reading goes on')
  say(`all ${SEATS} seats of the plan are taken: the next is refused with LimitExceeded`)
}

async function prove({ a, dns, say }: Stage, owner: Person, salon: string): Promise<void> {
  type Named = { proof: { dnsName: string; dnsValue: string } }
  const domain = { tenant: salon, domain: ALIAS }
  const { proof } = await owner.call<Named>(`${PLATFORM}.addDomain`, domain)
  await refuses(() => owner.call(`${PLATFORM}.verifyDomain`, domain), 'DomainNotProven')
  dns.set(proof.dnsName, proof.dnsValue)
  await owner.call(`${PLATFORM}.verifyDomain`, domain)
  const site = await anybodyGet<{ tenant: { did: string } }>(a.url, `${PLATFORM}.getSite`, {
    domain: ALIAS,
  })
  check(site.tenant.did === salon, 'the alias leads to the salon')
  const page = await askHost(a.url, ALIAS)
  check(page.status === 200 && page.body.includes('Riverside Salon'), 'its page says who it is')
  say(`${ALIAS} was proven by a TXT record and leads to the salon`)
}
