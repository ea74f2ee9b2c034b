import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Items } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type CallError, type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const ROUNDS = 4
type Membership = { subject: string; role: string }

let network: Awaited<ReturnType<typeof startNetwork>>
let node: TestNode
let ada: Person
let ben: Person
let cleo: Person
let eve: Person

beforeAll(async () => {
  network = await startNetwork()
  node = network.nodes[0]!
  const people = ['ada', 'ben', 'cleo', 'eve'].map((n) => createPerson(node.url, `${n}.node1.test`))
  ;[ada, ben, cleo, eve] = (await Promise.all(people)) as [Person, Person, Person, Person]
})
afterAll(async () => network?.[Symbol.asyncDispose]())

/** A space that Ada owns, with Ben and Cleo in it. */
async function found(visibility: string, role: string): Promise<string> {
  const about = { name: 'Corner Garage', visibility }
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, about)
  for (const who of [ben, cleo]) {
    const wish = { space, role }
    const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
    await who.call(`${SPACES}.join`, { space, inviteToken: token })
  }
  return space
}

async function roles(space: string, as = ben): Promise<Record<string, string>> {
  const { items } = await as.get<Items<Membership>>(`${SPACES}.listMemberships`, { space })
  return Object.fromEntries(items.map(({ subject, role }) => [subject, role]))
}

const handOver = (by: Person, space: string, to: { did: string }) =>
  by.call(`${SPACES}.transferOwnership`, { space, member: to.did })

describe.each(['public', 'private'])('in a %s space', (visibility) => {
  test('the owner hands it over, is its administrator then, and may leave', async () => {
    const space = await found(visibility, 'member')
    await expect(ada.call(`${SPACES}.leave`, { space })).rejects.toMatchObject({
      error: 'OwnerCannotLeave',
    })
    expect(await handOver(ada, space, ben)).toMatchObject({ subject: ben.did, role: 'owner' })
    expect(await roles(space)).toEqual({
      [ada.did]: 'space_admin',
      [ben.did]: 'owner',
      [cleo.did]: 'member',
    })
    await expect(handOver(ada, space, cleo)).rejects.toMatchObject({ error: 'Forbidden' })
    await expect(ben.call(`${SPACES}.leave`, { space })).rejects.toMatchObject({
      error: 'OwnerCannotLeave',
    })
    const wages = { space, name: 'wages', audience: 'managers' }
    await ben.call(`${SPACES}.createChannel`, wages)
    await ada.call(`${SPACES}.leave`, { space })
    await expect(ada.call(`${SPACES}.createChannel`, wages)).rejects.toMatchObject({
      error: visibility === 'public' ? 'NotAMember' : 'NotFound',
    })
  })

  test('only the owner hands it over, and only to a member', async () => {
    const space = await found(visibility, 'space_admin')
    const out = visibility === 'public' ? 'NotAMember' : 'NotFound'
    for (const [by, to, error] of [
      [ben, ben, 'Forbidden'],
      [ben, cleo, 'Forbidden'],
      [ada, ada, 'Forbidden'],
      [ada, eve, 'NotFound'],
      [eve, eve, out],
    ] as const)
      await expect(handOver(by, space, to)).rejects.toMatchObject({ error })
    expect((await roles(space))[ada.did]).toBe('owner')
    const removed = ben.call(`${SPACES}.removeMember`, { space, member: ada.did })
    await expect(removed).rejects.toMatchObject({ error: 'LastOwner' })
  })

  test('handed to two at once, it has one owner', async () => {
    const space = await found(visibility, 'member')
    const done = await Promise.allSettled([handOver(ada, space, ben), handOver(ada, space, cleo)])
    const told = done.map((one) =>
      one.status === 'rejected' ? String((one.reason as CallError).error) : 'done',
    )
    expect(new Set(told)).toEqual(new Set(['done', 'Forbidden']))
    const left = await roles(space)
    expect(Object.values(left).toSorted()).toEqual(['member', 'owner', 'space_admin'])
    expect(left[ada.did]).toBe('space_admin')
  })

  test('two administrators who demote each other at once both stay what they are', async () => {
    const space = await found(visibility, 'space_admin')
    const demote = (by: Person, who: Person) =>
      by.call(`${SPACES}.updateMember`, { space, member: who.did, role: 'member' })
    const done = await Promise.allSettled([demote(ben, cleo), demote(cleo, ben)])
    expect(done.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(Object.values(await roles(space)).toSorted()).toEqual([
      'owner',
      'space_admin',
      'space_admin',
    ])
  })

  test('who is demoted while they decide does not decide by what they were', async () => {
    const space = await found(visibility, 'space_admin')
    const call = (by: Person, member: Person, role: string) =>
      by.call(`${SPACES}.updateMember`, { space, member: member.did, role })
    await call(ada, cleo, 'member')
    for (let round = 0; round < ROUNDS; round++) {
      const [first, second] = await Promise.allSettled([
        call(ada, ben, 'member'),
        call(ben, cleo, round % 2 === 0 ? 'moderator' : 'viewer'),
      ])
      expect(first.status).toBe('fulfilled')
      if (second.status === 'rejected') expect(second.reason).toMatchObject({ error: 'Forbidden' })
      expect(await roles(space)).toMatchObject({ [ada.did]: 'owner', [ben.did]: 'member' })
      await call(ada, ben, 'space_admin')
    }
  })
})
