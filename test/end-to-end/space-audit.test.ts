import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestNode, startNetwork } from '../network.ts'
import type { Person } from '../person.ts'
import { type Items, someone, told } from './tenancy.ts'

type Event = { action: string; actor: string; subject: string; reason?: string; before?: string }

const SPACES = 'co.kendev.spaces'

let network: Awaited<ReturnType<typeof startNetwork>>
let home: TestNode
let owner: Person
let member: Person
let space: string

const asOwner = (method: string, body: object) =>
  owner.call<Record<string, string>>(`${SPACES}.${method}`, { space, ...body })
const events = (by: Person, limit = 50) =>
  by.get<Items<Event>>(`${SPACES}.listAuditEvents`, { space, limit })

beforeAll(async () => {
  network = await startNetwork(1)
  home = network.nodes[0]!
  ;[owner, member] = await Promise.all([someone(home, 'owner'), someone(home, 'member')])
  space = (await owner.call<{ did: string }>(`${SPACES}.createSpace`, { name: 'Garage' })).did
  await member.call(`${SPACES}.join`, { space })
})
afterAll(async () => network?.[Symbol.asyncDispose]())

test('what is decided in the name of a space is in its audit, with who did it and why', async () => {
  await asOwner('updateMember', { member: member.did, role: 'moderator' })
  const { uri } = await asOwner('createChannel', { name: 'Lifts' })
  await asOwner('setChannelPermission', { member: member.did, channel: uri, access: 'read' })
  await asOwner('updateMember', { member: member.did, status: 'banned', reason: 'spam' })
  await asOwner('removeMember', { member: member.did })
  const { items } = await events(owner)
  const done = items.map(({ action, subject }) => [
    action.split('.').at(-1),
    subject.split('/').at(-2)!.split('.').at(-1),
  ])
  expect(done.toReversed()).toEqual([
    ['updateMember', 'membership'],
    ['createChannel', 'channel'],
    ['setChannelPermission', 'channelPermission'],
    ['updateMember', 'membership'],
    ['updateMember', 'restriction'],
    ['removeMember', 'restriction'],
  ])
  expect(new Set(items.map(({ actor }) => actor))).toEqual(new Set([owner.did]))
  expect(items[1]).toMatchObject({ reason: 'spam' })
  expect(items[2]!.before).toMatch(/^bafy/)
})

test('the audit of a space holds, and is for its owner and admins', async () => {
  const verify = (by: Person) => by.get(`${SPACES}.verifyAudit`, { space })
  const { items } = await events(owner)
  expect(await verify(owner)).toEqual({ events: items.length, holds: true })
  await member.call(`${SPACES}.join`, { space })
  expect(await told(events(member))).toBe('Forbidden')
  expect(await told(verify(member))).toBe('Forbidden')
  const stranger = await someone(home, 'stranger')
  expect(await told(events(stranger))).toBe('NotAMember')
})

test('of two who decide at one time each decision is in the audit once', async () => {
  const people = await Promise.all(['x', 'y', 'z'].map((name) => someone(home, `many-${name}`)))
  for (const who of people) await who.call(`${SPACES}.join`, { space })
  const before = (await events(owner, 100)).items.length
  await Promise.all(
    people.map((who) => asOwner('updateMember', { member: who.did, role: 'moderator' })),
  )
  const { items } = await events(owner, 100)
  expect(items.length - before).toBe(3)
  const subjects = items.slice(0, 3).map(({ subject }) => subject.split('/').at(-1))
  expect(new Set(subjects)).toEqual(new Set(people.map(({ did }) => did)))
})
