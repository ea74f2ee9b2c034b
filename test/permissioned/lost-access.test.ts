import { expect, test } from 'vitest'
import { MEMBERS, READER, SPACE, notes, stage } from './follower.ts'
import { LIFETIME_S } from './space-world.ts'

const [ANNA, BEN] = MEMBERS as [string, string, string, string]
const OTHER = 'did:plc:other'
const DELETED = 'SpaceDeleted'

/** Two members' repos are held. */
async function held() {
  const on = await stage((before) => {
    before.write(SPACE, ANNA, notes(3))
    before.write(SPACE, BEN, notes(3))
  })
  await on.timers.pass(10_000)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  expect(on.sink.holds(SPACE)).toBe(true)
  return on
}

test('a credential is asked for again before it ends, and no more often', async () => {
  const { world, timers, following, both } = await held()
  expect(world.credentials).toHaveLength(1)
  for (let n = 0; n < 2 * LIFETIME_S; n += 60) {
    await following.notified(world.write(SPACE, ANNA, notes(3, `${n}`)))
    await timers.pass(60_000)
  }
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  expect(world.credentials.length).toBeGreaterThanOrEqual(3)
  expect(world.credentials.length).toBeLessThanOrEqual(4)
  await following.close()
})

test('one signature serves every question to one host, and another each other host', async () => {
  const { world, timers, following } = await held()
  const seen = new Map<string, Set<string>>()
  world.trouble.headers = (did, headers) => {
    seen.set(did, (seen.get(did) ?? new Set()).add(headers['signature'] ?? ''))
  }
  for (const text of ['a', 'b', 'c']) {
    await following.notified(world.write(SPACE, ANNA, notes(3, text)))
    await following.notified(world.write(SPACE, BEN, notes(3, text)))
    await timers.pass(5_000)
  }
  expect(seen.get(ANNA)?.size).toBe(1)
  expect(seen.get(BEN)?.size).toBe(1)
  expect(seen.get(ANNA)).not.toEqual(seen.get(BEN))
  await following.close()
})

test('a revoked credential is replaced by another', async () => {
  const { world, timers, following, both } = await held()
  world.revoked.add(world.credentials[0]!)
  await following.notified(world.write(SPACE, ANNA, notes(5)))
  await timers.pass(10_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  expect(world.credentials).toHaveLength(2)
  await following.close()
})

test('a host that takes no credential does not have us ask for ever more of them', async () => {
  const { world, timers, following } = await held()
  world.trouble.refuse = (did) => (did === ANNA ? 'CredentialRevoked' : undefined)
  await following.notified(world.write(SPACE, ANNA, notes(5)))
  const before = world.credentials.length
  await timers.pass(60_000)
  const attempts = world.asked.filter((line) => line === `repoOps ${ANNA}`).length
  expect(world.credentials.length - before).toBeLessThanOrEqual(attempts)
  await following.close()
})

test('when no account here has access any more, the copy is forgotten', async () => {
  const { world, timers, following, sink, store } = await held()
  world.spaces.get(SPACE)!.members.delete(READER)
  world.revoked.add(world.credentials[0]!)
  await following.notified(world.write(SPACE, ANNA, notes(5)))
  await timers.pass(10_000)
  expect(sink.holds(SPACE)).toBe(false)
  expect(await store.spaceOf(SPACE)).toMatchObject({
    state: 'stopped',
    reason: 'UserNotAuthorized',
  })
  expect(await following.notified(world.write(SPACE, ANNA, notes(6)))).toBe(false)
  expect(await following.fetchNow(SPACE, ANNA)).toMatchObject({ reason: 'NotFollowed' })
  expect(sink.holds(SPACE)).toBe(false)
  await following.close()
})

test('access that was lost without a word is found out when the credential ends', async () => {
  const { world, timers, following, sink, both } = await held()
  world.spaces.get(SPACE)!.members.delete(READER)
  await timers.pass(2 * LIFETIME_S * 1000)
  expect(sink.holds(SPACE)).toBe(false)
  // Who is given access again is noticed, as nobody tells.
  world.spaces.get(SPACE)!.members.add(READER)
  await timers.pass(700_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  await following.close()
})

test('as long as another account here has access, the copy stays', async () => {
  const { world, timers, following, both } = await held()
  world.account(OTHER, 'https://here.example.com')
  world.grants.add(`${SPACE} ${OTHER}`)
  world.spaces.get(SPACE)!.members.add(OTHER)
  await following.follow(SPACE, OTHER)
  world.spaces.get(SPACE)!.members.delete(READER)
  world.write(SPACE, ANNA, notes(5))
  await timers.pass(2 * LIFETIME_S * 1000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  await following.close()
})

test('a grant that is taken back ends the copy of the last who had one, and the row', async () => {
  const { world, timers, following, sink, store } = await held()
  world.grants.clear()
  await following.unfollow(SPACE, READER)
  await timers.pass(2_000)
  expect(sink.holds(SPACE)).toBe(false)
  expect(await store.spaceOf(SPACE)).toBeUndefined()
  const asked = world.asked.length
  await timers.pass(1_000_000)
  expect(world.asked).toHaveLength(asked)
  await following.close()
})

test('a space that its authority deletes is forgotten, and asked about no more', async () => {
  const { world, timers, following, sink, store } = await held()
  world.spaces.get(SPACE)!.refusal = DELETED
  expect(await following.spaceDeleted(SPACE)).toBe(true)
  await timers.pass(2_000)
  expect(sink.holds(SPACE)).toBe(false)
  expect(await store.spaceOf(SPACE)).toMatchObject({ state: 'stopped', reason: DELETED })
  const asked = world.asked.length
  await timers.pass(2_000_000)
  expect(world.asked).toHaveLength(asked)
  await following.close()
})

test('that a space was deleted is found out without being told', async () => {
  const { world, timers, following, sink } = await held()
  world.spaces.get(SPACE)!.refusal = DELETED
  await timers.pass(2 * LIFETIME_S * 1000)
  expect(sink.holds(SPACE)).toBe(false)
  await following.close()
})

test('an authority that does not answer costs nothing that is held', async () => {
  const { world, timers, following, sink, both } = await held()
  world.trouble.before = (service) => {
    if (service.includes('authority')) throw world.unreachable()
  }
  await timers.pass(4 * LIFETIME_S * 1000)
  expect(sink.holds(SPACE)).toBe(true)
  world.write(SPACE, ANNA, notes(6))
  world.trouble = {}
  await timers.pass(100_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  await following.close()
})

test('who has the address of an authority that moved cannot make us forget', async () => {
  const { world, timers, following, sink, both } = await held()
  const moved = world.identity(world.spaces.get(SPACE)!.authority)!
  world.stale.set(moved.did, moved)
  world.homes.set(moved.did, 'https://new.example.com')
  world.trouble.refuseCredential = (service) =>
    service.includes('authority') ? 'SpaceNotFound' : undefined
  await timers.pass(2 * LIFETIME_S * 1000)
  expect(sink.holds(SPACE)).toBe(true)
  world.write(SPACE, BEN, notes(6))
  await timers.pass(100_000)
  expect(both(BEN).shown).toEqual(both(BEN).real)
  await following.close()
})

test('nothing of a space is stored after it was forgotten, whatever was under way', async () => {
  const { world, timers, following, sink } = await held()
  const gate = Promise.withResolvers<void>()
  const apply = sink.apply.bind(sink)
  sink.apply = async (batch) => {
    await gate.promise
    await apply(batch)
  }
  await following.notified(world.write(SPACE, ANNA, notes(5)))
  await timers.pass(1_000)
  await following.spaceDeleted(SPACE)
  await timers.pass(1_000)
  gate.resolve()
  await timers.pass(1_000)
  expect(sink.holds(SPACE)).toBe(false)
  await following.close()
})

test('who is given access while the copy is being removed gets it again', async () => {
  const { world, timers, following, sink, both } = await held()
  const gate = Promise.withResolvers<void>()
  const forget = sink.forget.bind(sink)
  sink.forget = async (space, did) => {
    await gate.promise
    await forget(space, did)
  }
  world.spaces.get(SPACE)!.members.delete(READER)
  await following.unfollow(SPACE, READER)
  await timers.pass(1_000)
  world.spaces.get(SPACE)!.members.add(READER)
  await following.follow(SPACE, READER)
  gate.resolve()
  await timers.pass(10_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  await following.close()
})
