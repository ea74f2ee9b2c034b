import { expect, test } from 'vitest'
import { FakeRepo } from './fake-repo.ts'
import { type Inhabitant, createTown, note } from './town.ts'

const HOST = 'https://host.example.net'
const OTHER = 'https://other.example.net'
const RELAY = 'https://relay.example.net'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WHOLE = { upstreams: [HOST] }

type Town = ReturnType<typeof createTown>

/** The relay passes on what an account has just written at its own host. */
async function relayed(town: Town, person: Inhabitant, ...keys: string[]): Promise<void> {
  const frame = await person.repo.write(
    town.next(RELAY),
    keys.map((key) => note(key)),
  )
  town.publish(person)
  town.transport.send(RELAY, frame)
}

const garbage = (n: number) => Array.from({ length: n }, () => Buffer.from('garbage'))

function sendGarbage(town: Town, n = 200): void {
  for (const frame of garbage(n)) town.transport.send(HOST, frame)
}

test('a host is listened to before its list is read', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['old'])
  const before = { ...town.api }
  const wasOpen: boolean[] = []
  town.api.listRepos = (service, cursor) => {
    if (service === HOST) wasOpen.push(town.transport.isOpen(HOST))
    return before.listRepos(service, cursor)
  }
  await town.start()
  await town.run(MINUTE)
  expect(wasOpen[0]).toBe(true)
  expect(town.shown(ada)).toEqual(['old'])
})

test('after a restart a list is gone on with where it was left', async () => {
  const town = createTown({ ...WHOLE, limits: { sweepEveryMs: HOUR } })
  for (const name of ['ada', 'bob', 'cy', 'dan', 'eve']) await town.settle(name, HOST, [name])
  const before = { ...town.api }
  let stuck = true
  town.api.listRepos = (service, cursor) =>
    stuck && cursor === '2' ? new Promise(() => undefined) : before.listRepos(service, cursor)
  const first = await town.start()
  await town.run(MINUTE)
  const closed = first.close()
  await town.run(3_000)
  await closed
  stuck = false
  town.hosts.listed.length = 0
  await town.start()
  await town.run(MINUTE)
  expect(town.hosts.listed.filter((page) => page.startsWith(HOST))).toEqual([
    `${HOST} 2`,
    `${HOST} 4`,
  ])
  expect(town.store.dump().accounts.filter(({ state }) => state === 'synchronized')).toHaveLength(5)
})

test('a host that sends nothing but garbage is left alone, longer each time, then banned', async () => {
  const town = createTown({ ...WHOLE, limits: { penalties: 2, penaltyMs: MINUTE } })
  const following = await town.start()
  await town.run(1_000)
  for (const minutes of [1, 4]) {
    sendGarbage(town)
    await town.run(10_000)
    expect(town.transport.isOpen(HOST)).toBe(false)
    await town.run((minutes - 0.5) * MINUTE)
    expect(town.transport.isOpen(HOST)).toBe(false)
    await town.run(MINUTE)
    expect(town.transport.isOpen(HOST)).toBe(true)
  }
  sendGarbage(town)
  await town.run(HOUR)
  expect(town.transport.isOpen(HOST)).toBe(false)
  const banned = () => town.store.dump().hosts.find(({ host }) => host === HOST)?.banned
  expect(banned()).toMatch(/garbage/)
  await following.hosts.unban(HOST)
  await town.run(1_000)
  expect(town.transport.isOpen(HOST)).toBe(true)
  expect(banned()).toBeNull()
})

test('a ban holds over a restart, and a little garbage between true messages is no reason', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST)
  const first = await town.start()
  await town.run(MINUTE)
  for (let n = 0; n < 5; n += 1) {
    sendGarbage(town, 150)
    await town.write(ada, note(`n${n}`))
    await town.run(1_000)
  }
  expect(town.transport.isOpen(HOST)).toBe(true)
  await first.hosts.ban(HOST, 'as its operator has asked')
  const closed = first.close()
  await town.run(3_000)
  await closed
  const second = await town.start()
  await town.run(MINUTE)
  expect(town.transport.isOpen(HOST)).toBe(false)
  expect(second.hosts.rows().find(({ host }) => host === HOST)?.banned).toMatch(/operator/)
})

test('a commit to a record of ours that a relay passes on brings its account into scope', async () => {
  const town = createTown({ relays: [RELAY] })
  town.hosts.put(RELAY)
  const ada = await town.settle('ada', HOST, ['before'])
  const eve = await town.settle('eve', OTHER, ['before'])
  await town.start()
  await town.run(MINUTE)
  await relayed(town, ada, 'now')
  const frame = await eve.repo.write(town.next(RELAY), [
    { action: 'create', collection: 'app.bsky.feed.post', rkey: 'a', record: { text: 'hi' } },
  ])
  town.transport.send(RELAY, frame)
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['before', 'now'])
  expect(town.accountOf(eve)).toBeUndefined()
  await relayed(town, ada, 'later')
  await town.run(100)
  expect(town.shown(ada)).toEqual(['before', 'later', 'now'])
})

test('indigo#1276: accounts that a relay lists for our records are followed, not deleted ones', async () => {
  const town = createTown({ relays: [RELAY] })
  const [ada, bob] = [await town.settle('ada', HOST, ['a']), await town.settle('bob', HOST, ['b'])]
  const eve = await town.settle('eve', HOST, ['e'])
  for (const person of [ada, bob, eve]) town.publish({ ...person, pds: RELAY })
  town.hosts.remove(HOST, bob.did)
  eve.gone = true
  await town.start()
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['a'])
  expect(town.accountOf(bob)).toBeUndefined()
  expect(town.accountOf(eve)).toBeUndefined()
  expect(town.transport.isOpen(HOST)).toBe(true)
})

test('a host is not listened to for strangers once nobody followed lives there', async () => {
  const town = createTown()
  const [ada, bob] = [await town.settle('ada', HOST, ['a']), await town.settle('bob', HOST, ['b'])]
  const following = await town.start()
  await following.follow({ did: ada.did, pds: HOST })
  await following.follow({ did: bob.did, pds: HOST })
  await town.run(MINUTE)
  for (const [person, open] of [
    [ada, true],
    [bob, false],
  ] as const) {
    person.pds = OTHER
    town.publish(person)
    town.say(HOST, '#identity', { did: person.did })
    await town.run(MINUTE)
    expect(town.transport.isOpen(HOST)).toBe(open)
  }
  expect(town.transport.isOpen(OTHER)).toBe(true)
})

test('as many hosts are listened to as may be, and no more', async () => {
  const town = createTown({ limits: { hosts: 3 } })
  const following = await town.start()
  for (let n = 0; n < 5; n += 1) {
    const host = `https://h${n}.example.net`
    await following.hosts.add({ host, kind: 'pds', namedBy: 'admin', whole: false })
  }
  await town.run(1_000)
  expect(following.states().size).toBe(3)
})

test('a frame of a stranger that a relay passes on holds its cursor until they are followed', async () => {
  const town = createTown({ relays: [RELAY] })
  town.hosts.put(RELAY)
  const ada = await town.settle('ada', HOST, ['before'])
  const follow = town.store.follow.bind(town.store)
  const gate = Promise.withResolvers<void>()
  town.store.follow = async (account) => {
    await gate.promise
    await follow(account)
  }
  await town.start()
  await town.run(MINUTE)
  await relayed(town, ada, 'now')
  await town.run(5_000)
  expect(await town.store.cursorOf(RELAY)).toBeUndefined()
  gate.resolve()
  await town.run(5_000)
  expect(await town.store.cursorOf(RELAY)).toBe(1)
  expect(town.shown(ada)).toEqual(['before', 'now'])
})

test('nobody is followed twice at once, and one who cannot be found is let be', async () => {
  const town = createTown({ relays: [RELAY] })
  town.hosts.put(RELAY)
  const stranger = await FakeRepo.create('did:plc:zzzzzzzzzzzzzzzzzzzzzzzz')
  await town.start()
  await town.run(MINUTE)
  for (const key of ['a', 'b', 'c'])
    town.transport.send(RELAY, await stranger.write(town.next(RELAY), [note(key)]))
  await town.run(HOUR)
  expect(town.store.dump().accounts).toEqual([])
  expect(await town.store.cursorOf(RELAY)).toBe(3)
})
