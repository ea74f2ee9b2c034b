import { afterAll, beforeAll, expect, test } from 'vitest'
import { tenantMembership } from '../../src/appview/collections/platform/tenant-membership.ts'
import { type Machine, nextStates, statesOf } from '../../src/appview/machine.ts'
import { tenantMachine } from '../../src/appview/tenants.ts'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import { PLATFORM, type Provision, accept, asOperator, invite, someone, told } from './tenancy.ts'

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let root: Person
let owner: Person
let made = 0

const found = (more: object = {}) =>
  root.call<Provision>(`${PLATFORM}.provisionTenant`, {
    name: 'Business',
    subdomain: `business-${(made += 1)}`,
    owner: owner.did,
    template: 'custom',
    plan: 'starter',
    ...more,
  })

beforeAll(async () => {
  network = await startNetwork(1)
  home = network.nodes[0]!
  ;[root, owner] = await Promise.all([someone(home, 'root'), someone(home, 'owner')])
  await asOperator(home, `${PLATFORM}.setNodeRole`, { subject: root.did, role: 'super_admin' })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

type Case = { readonly from: string; readonly to: string }

/** Every pair of states that the table has no way between. */
function refusals(machine: Machine): Case[] {
  const states = statesOf(machine)
  return states.flatMap((from) =>
    states
      .filter((to) => to !== from && !nextStates(machine, from).includes(to))
      .map((to) => ({ from, to })),
  )
}

const WAYS: Readonly<Record<string, readonly string[]>> = {
  active: [],
  trial: [],
  suspended: ['suspended'],
  archived: ['suspended', 'archived'],
  revoked: ['revoked'],
}

test('a tenant refuses every change of its status that the table has no way for', async () => {
  const cases = refusals(tenantMachine)
  expect(cases.length).toBeGreaterThan(8)
  for (const { from, to } of cases) {
    const declined = from === 'pending' && { billingReference: 'sandbox-declined' }
    const { did, status } = await found({ ...declined, trial: from === 'trial' })
    const set = (state: string) =>
      told(root.call(`${PLATFORM}.setTenantStatus`, { tenant: did, status: state, reason: 'x' }))
    if (from === 'pending') expect(status).toBe('pending')
    for (const step of WAYS[from] ?? []) expect(await set(step)).toBe('done')
    expect(await set(to), `${from} → ${to}`).toBe('InvalidTransition')
  }
})

test('a membership refuses every change of its status that the table has no way for', async () => {
  const { did: tenant } = await found()
  for (const { from, to } of refusals(tenantMembership.machine!)) {
    const who = await someone(home, `m-${from}-${to}`.slice(0, 14).replace(/-$/, ''))
    await accept(who, (await invite(owner, tenant)).token)
    const set = (status: string) =>
      told(owner.call(`${PLATFORM}.updateTenantMember`, { tenant, member: who.did, status }))
    for (const step of WAYS[from] ?? []) expect(await set(step)).toBe('done')
    expect(await set(to), `${from} → ${to}`).toBe('InvalidTransition')
  }
})
