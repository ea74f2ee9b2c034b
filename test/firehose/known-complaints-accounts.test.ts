import { expect, test } from 'vitest'
import { NOTE, createTown, note } from './town.ts'

const HOST = 'https://host.example.net'
const OTHER = 'https://other.example.net'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WHOLE = { upstreams: [HOST] }

test('indigo#1407: an account that moved is heard at its new host, and nothing is lost', async () => {
  const town = createTown()
  const ada = await town.settle('ada', HOST, ['old'])
  const following = await town.start()
  await following.follow({ did: ada.did, pds: HOST })
  await town.run(MINUTE)
  // The new host never tells of it by itself; the old one says that it has gone, and is quiet.
  ada.pds = OTHER
  await town.writeUnheard(ada, note('moving'))
  town.hosts.put(HOST, { did: ada.did, rev: ada.repo.rev, active: false, status: 'deactivated' })
  town.tellStatus(ada, HOST, 'deactivated')
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['moving', 'old'])
  await town.write(ada, note('moved'))
  await town.run(100)
  expect(town.shown(ada)).toEqual(['moved', 'moving', 'old'])
  expect(town.transport.isOpen(HOST)).toBe(false)
})

test('an account of a whole host that moved without a word of that host is heard at its new one', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['old'])
  const ben = await town.settle('ben', OTHER, ['here'])
  const following = await town.start()
  // The other host is listened to for somebody else only.
  await following.follow({ did: ben.did, pds: OTHER })
  await town.run(MINUTE)
  ada.pds = OTHER
  await town.writeUnheard(ada, note('moving'))
  town.tellStatus(ada, OTHER, 'active')
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['moving', 'old'])
  await town.write(ada, note('moved'))
  await town.run(100)
  expect(town.shown(ada)).toEqual(['moved', 'moving', 'old'])
})

test('a relay cannot hide an account of a host that is listened to as a whole', async () => {
  const town = createTown({ ...WHOLE, relays: [OTHER] })
  const ada = await town.settle('ada', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  for (const status of ['deactivated', 'takendown', 'deleted']) {
    town.tellStatus(ada, OTHER, status)
    await town.run(100)
    expect(town.shown(ada)).toEqual(['one'])
  }
  // Its own host is believed.
  town.tellStatus(ada, HOST, 'deleted')
  await town.run(100)
  expect(town.shown(ada)).toEqual([])
})

test.each(['identity', 'account'])(
  'an #%s of a stranger brings nobody in, though storage fails when it is asked who that is',
  async (kind) => {
    const town = createTown(WHOLE)
    const ben = await town.settle('ben', OTHER, ['here'])
    const eve = await town.settle('eve', OTHER, ['unasked'])
    const following = await town.start()
    await following.follow({ did: ben.did, pds: OTHER })
    await town.run(MINUTE)
    const standings = town.store.standings.bind(town.store)
    let asked = 0
    town.store.standings = async (dids) => {
      if (dids.includes(eve.did)) asked += 1
      if (asked === 1) throw new Error('storage is away')
      return standings(dids)
    }
    town.say(OTHER, `#${kind}`, { did: eve.did, ...(kind === 'account' && { active: true }) })
    await town.run(MINUTE)
    expect(town.accountOf(eve)).toBe(undefined)
    expect(asked).toBe(2)
  },
)

test('indigo#1276: deleted repos that are listed for a collection come into no view', async () => {
  const town = createTown({ relays: [OTHER] })
  const ada = await town.settle('ada', HOST, ['one'])
  const gone = await town.settle('gone', HOST, ['one'])
  gone.status = 'deleted'
  for (const { did, repo } of [ada, gone])
    town.hosts.put(OTHER, { did, rev: repo.rev, active: true, collections: [NOTE] })
  town.publish(gone)
  await town.start()
  await town.run(10 * MINUTE)
  expect(town.shown(ada)).toEqual(['one'])
  expect(town.shown(gone)).toEqual([])
  expect(town.accountOf(gone)?.upstream ?? 'deleted').toBe('deleted')
})

test('jetstream#68: a deactivated account is no failure, and is back when it is active', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  ada.status = 'deactivated'
  town.publish(ada)
  await town.start()
  await town.run(3 * HOUR)
  const asked = town.asked.length
  expect(asked).toBeLessThanOrEqual(1)
  expect(town.shown(ada)).toEqual([])
  ada.status = 'active'
  town.publish(ada)
  town.tellStatus(ada, HOST, 'active')
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['one'])
})

test('HappyView#88: of a deleted account nothing is shown', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  town.tellStatus(ada, HOST, 'deleted')
  await town.run(100)
  expect(town.shown(ada)).toEqual([])
})

test('atproto#2806: an account that was deleted and is active again is shown again', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  ada.status = 'deleted'
  town.publish(ada)
  town.tellStatus(ada, HOST, 'deleted')
  await town.run(HOUR)
  expect(town.shown(ada)).toEqual([])
  ada.status = 'active'
  town.publish(ada)
  town.say(HOST, '#identity', { did: ada.did })
  town.tellStatus(ada, HOST, 'active')
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['one'])
})

test('sifa#491: a deletion that nobody told of is found out', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  const bob = await town.settle('bob', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['one'])
  town.hosts.remove(HOST, ada.did)
  ada.gone = true
  await town.run(3 * HOUR)
  expect(town.shown(ada)).toEqual([])
  expect(town.accountOf(ada)?.upstream).not.toBe('active')
  expect(town.shown(bob)).toEqual(['one'])
})
