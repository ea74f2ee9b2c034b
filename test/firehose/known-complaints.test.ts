import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { encode } from '@atcute/cbor'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { openSocket } from '../../src/firehose/socket.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { encodeFrame } from './fake-repo.ts'
import { createTown, note } from './town.ts'

const HOST = 'https://host.example.net'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WHOLE = { upstreams: [HOST] }

test('indigo#1315: a listing that breaks off is gone on with, and no account is left out', async () => {
  const town = createTown(WHOLE)
  const people = []
  for (const name of ['ada', 'bob', 'cy', 'dan', 'eve']) {
    people.push(await town.settle(name, HOST, [name]))
  }
  const honest = { ...town.api }
  town.api.listRepos = (service, cursor) =>
    cursor === '2' && town.timers.now().getTime() % HOUR < 20 * MINUTE
      ? Promise.reject(new OutboundError('Unreachable', service))
      : honest.listRepos(service, cursor)
  await town.start()
  await town.run(5 * MINUTE)
  expect(people.map((person) => town.shown(person).length)).toEqual([1, 1, 0, 0, 0])
  await town.run(HOUR)
  expect(people.map((person) => town.shown(person).length)).toEqual([1, 1, 1, 1, 1])
})

test('indigo#1371: after a repo was fetched, what its account writes is shown at once', async () => {
  const town = createTown()
  const ada = await town.settle('ada', HOST, ['old'])
  const following = await town.start()
  await following.follow({ did: ada.did, pds: HOST })
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['old'])
  await town.write(ada, note('live'))
  await town.run(100)
  expect(town.shown(ada)).toEqual(['live', 'old'])
  expect(town.asked).toEqual([ada.did])
})

test('indigo#1277: why a repo is not there can be seen, and its state is told', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  const bob = await town.settle('bob', HOST, ['one'])
  town.hosts.put(HOST, { did: ada.did, rev: ada.repo.rev, active: true })
  bob.status = 'takendown'
  town.publish(bob)
  await town.start()
  await town.run(MINUTE)
  expect(town.accountOf(ada)).toMatchObject({ state: 'desynchronized', reason: 'RepoNotFound' })
  expect(town.accountOf(bob)).toMatchObject({ upstream: 'takendown' })
})

test('indigo#1247: a repo that cannot be fetched is left alone for its time, whatever it writes', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  const honest = { ...town.api }
  let broken = true
  town.api.repo = async (service, did) => {
    const answer = await honest.repo(service, did)
    return broken ? { ok: false, reason: 'RepoNotFound', detail: did } : answer
  }
  await town.start()
  await town.run(MINUTE)
  const before = town.asked.length
  expect(before).toBeGreaterThan(0)
  for (let n = 0; n < 50; n += 1) {
    await town.write(ada, note(`n${n}`))
    await town.run(1_000)
  }
  expect(town.asked.length - before).toBeLessThanOrEqual(3)
  broken = false
  await town.run(HOUR)
  expect(town.shown(ada)).toHaveLength(51)
})

test('indigo#1338: whom to follow changes without a restart', async () => {
  const town = createTown()
  const [ada, bob] = [await town.settle('ada', HOST, ['a']), await town.settle('bob', HOST, ['b'])]
  const following = await town.start()
  await following.follow({ did: ada.did, pds: HOST })
  await town.run(MINUTE)
  await town.write(bob, note('unheard'))
  await town.run(MINUTE)
  expect(town.shown(bob)).toEqual([])
  await following.follow({ did: bob.did, pds: HOST })
  await town.run(MINUTE)
  await town.write(bob, note('heard'))
  await town.run(100)
  expect(town.shown(bob)).toEqual(['b', 'heard', 'unheard'])
})

test('jetstream-legacy#42: where a replay meets the live stream, nothing is lost or done twice', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST)
  await town.start()
  await town.run(MINUTE)
  const frames = []
  for (let n = 0; n < 5; n += 1) frames.push(await town.write(ada, note(`n${n}`)))
  await town.run(100)
  town.transport.drop(HOST)
  await town.run(MINUTE)
  for (const frame of [...frames.slice(2), ...frames.slice(1)]) town.transport.send(HOST, frame)
  await town.write(ada, note('n1', 'delete'))
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['n0', 'n2', 'n3', 'n4'])
  expect(town.asked.filter((did) => did === ada.did)).toHaveLength(1)
})

test('jetstream#170: a host that has nothing to say and answers pings is not hung up on', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  onTestFinished(() => server.close())
  const closed: string[] = []
  const opened = Promise.withResolvers<void>()
  const { port } = server.address() as AddressInfo
  const socket = openSocket({
    url: new URL(`ws://127.0.0.1:${port}`),
    publicOnly: false,
    pingMs: 20,
    onOpen: opened.resolve,
    onMessage: () => undefined,
    onClose: (reason) => closed.push(reason),
  })
  await opened.promise
  await setTimeout(500)
  expect(closed).toEqual([])
  for (const client of server.clients) client.pause()
  await setTimeout(200)
  expect(closed).toEqual(['no answer to a ping'])
  socket.close()
})

test('HappyView#80: a record deleted at its PDS is gone here', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one', 'two'])
  await town.start()
  await town.run(MINUTE)
  await town.write(ada, note('one', 'delete'))
  await town.run(100)
  expect(town.shown(ada)).toEqual(['two'])
  await town.writeUnheard(ada, note('two', 'delete'))
  await town.write(ada, note('three'))
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['three'])
})

test('pds#355: a host that lets nobody in for now is asked less and less, and nothing is lost', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  const honest = { ...town.api }
  let throttled = true
  let refused = 0
  town.api.repo = (service, did) => {
    if (!throttled) return honest.repo(service, did)
    refused += 1
    return Promise.reject(new OutboundError('Unreachable', `${service} answered 429`))
  }
  await town.start()
  await town.run(HOUR)
  const first = refused
  await town.run(HOUR)
  expect(refused - first).toBeLessThanOrEqual(first)
  expect(first).toBeLessThanOrEqual(25)
  throttled = false
  await town.run(7 * HOUR)
  expect(town.shown(ada)).toEqual(['one'])
})

test('inkwell#71: after a restart the streams go on where they were', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST)
  const first = await town.start()
  await town.run(MINUTE)
  for (let n = 0; n < 3; n += 1) await town.write(ada, note(`n${n}`))
  await town.run(MINUTE)
  void first.close()
  await town.run(10_000)
  await town.start()
  await town.run(MINUTE)
  expect(town.transport.urls.at(-1)).toContain('cursor=3')
})

test('skyboard#4: what a host no longer replays is fetched, not skipped', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  const bob = await town.settle('bob', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  town.transport.drop(HOST)
  await town.writeUnheard(ada, note('missed'), note('one', 'delete'))
  const cy = await town.settle('cy', HOST, ['new'])
  await town.run(MINUTE)
  const message = { name: 'OutdatedCursor', message: 'Requested cursor exceeded limit.' }
  town.transport.send(HOST, encodeFrame('#info', message))
  await town.run(5 * MINUTE)
  expect([ada, bob, cy].map((person) => town.shown(person))).toEqual([['missed'], ['one'], ['new']])
})

test('pds#318: a host restored from a backup counts anew, and is followed all the same', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  for (let n = 0; n < 5; n += 1) await town.write(ada, note(`n${n}`))
  await town.run(MINUTE)
  town.transport.drop(HOST)
  await town.run(MINUTE)
  town.transport.send(HOST, Buffer.concat([encode({ op: -1 }), encode({ error: 'FutureCursor' })]))
  town.transport.drop(HOST)
  await town.writeUnheard(ada, note('restored'))
  await town.run(5 * MINUTE)
  expect(town.transport.urls.at(-1)).toContain('cursor=0')
  expect(town.shown(ada)).toContain('restored')
})

test('sifa-workspace#394: a commit that never came is noticed by the next one', async () => {
  const town = createTown(WHOLE)
  const ada = await town.settle('ada', HOST, ['one'])
  await town.start()
  await town.run(MINUTE)
  await town.writeUnheard(ada, note('unheard'))
  await town.write(ada, note('heard'))
  await town.run(MINUTE)
  expect(town.shown(ada)).toEqual(['heard', 'one', 'unheard'])
})
