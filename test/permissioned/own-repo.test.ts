import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../person.ts'
import { post } from '../pds/network.ts'
import { readRepoCar } from '../../src/permissioned/format/repo-car.ts'
import { POST, type World, admit, as, createSpace, saying, startWorld, writePost } from './world.ts'

let world: World
let ada: Person
let ben: Person
let space: string
const at = (nsid: string) => `com.atproto.space.${nsid}`

beforeAll(async () => {
  world = await startWorld(1)
  ada = await world.person(world.here)
  ben = await world.person(world.here)
  space = await createSpace(ada)
  await admit(ada, space, ben.did)
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const mine = (who: Person) => ({ space, repo: who.did })

test('the node says that it has permissioned repos', async () => {
  const reply = await as(undefined, world.here.url).get('com.atproto.server.describeServer', {})
  expect(reply.body).toMatchObject({ spacesAlpha: true, did: world.here.did })
})

test('an account writes, reads, lists and deletes records of its own repo in a space', async () => {
  const made = await writePost(ben, space, 'Beans are up', 'beans')
  expect(made).toMatchObject({ uri: `${space}/${ben.did}/${POST}/beans` })
  const path = { ...mine(ben), collection: POST, rkey: 'beans' }
  expect(await ben.get(at('getRecord'), path)).toEqual({
    uri: made.uri,
    cid: made.cid,
    value: { $type: POST, text: 'Beans are up' },
  })
  const record = { $type: POST, text: 'Beans are eaten' }
  await ben.call(at('putRecord'), { ...path, record })
  const { records } = await ben.get<{ records: object[] }>(at('listRecords'), mine(ben))
  expect(records).toEqual([
    { collection: POST, rkey: 'beans', cid: expect.any(String), value: record },
  ])
  const bare = await ben.get(at('listRecords'), { ...mine(ben), excludeValues: true })
  expect(bare).toEqual({ records: [{ collection: POST, rkey: 'beans', cid: expect.any(String) }] })
  await ben.call(at('deleteRecord'), path)
  await ben.call(at('deleteRecord'), path)
  const { get } = as(ben, world.here.url)
  expect(await saying(get(at('getRecord'), path))).toBe('400 RecordNotFound')
})

test('a batch is one revision, and all of it or nothing', async () => {
  const value = { $type: POST, text: 'in a batch' }
  const create = (rkey: string) => ({
    $type: `${at('applyWrites')}#create`,
    collection: POST,
    rkey,
    value,
  })
  const { results } = await ben.call<{ results: { $type: string }[] }>(at('applyWrites'), {
    ...mine(ben),
    writes: [create('one'), create('two')],
  })
  expect(results.map(({ $type }) => $type.split('#')[1])).toEqual(['createResult', 'createResult'])
  const remove = { $type: `${at('applyWrites')}#delete`, collection: POST, rkey: 'nothing' }
  const update = { ...create('nothing'), $type: `${at('applyWrites')}#update` }
  const { post: call } = as(ben, world.here.url)
  const writes = (last: object) => ({ ...mine(ben), writes: [create('three'), last] })
  expect(await saying(call(at('applyWrites'), writes(remove)))).toBe('400 RecordNotFound')
  expect(await saying(call(at('applyWrites'), writes(update)))).toBe('400 RecordNotFound')
  expect(await saying(call(at('applyWrites'), writes(create('one'))))).toBe(
    '400 RecordAlreadyExists',
  )
  const twice = { ...mine(ben), collection: POST, rkey: 'one', record: value }
  expect(await saying(call(at('createRecord'), twice))).toBe('400 RecordAlreadyExists')
  const { ops, commit } = await ben.get<{ ops: { rev: string; rkey: string }[]; commit: object }>(
    at('listRepoOps'),
    { ...mine(ben), limit: 1000 },
  )
  const [one, two] = ops.slice(-2)
  expect([one?.rkey, two?.rkey]).toEqual(['one', 'two'])
  expect(one?.rev).toBe(two?.rev)
  expect(commit).toMatchObject({ ver: 1, rev: two?.rev })
})

test('a repo comes as a CAR with its commit, its index and its records', async () => {
  const { get } = as(ben, world.here.url)
  const whole = await get(at('getRepo'), mine(ben))
  expect(whole.headers).toMatchObject({
    'content-type': 'application/vnd.ipld.car',
    'cache-control': 'private, no-store',
  })
  const read = await readRepoCar(
    (async function* () {
      yield whole.bytes
    })(),
  )
  if (!read.ok) throw new Error(read.fault)
  const { commit } = await ben.get<{ commit: { rev: string } }>(at('getLatestCommit'), mine(ben))
  expect(read.commit.rev).toBe(commit.rev)
  const paths = []
  for await (const block of read.blocks()) paths.push('path' in block ? block.path : block.fault)
  expect(paths).toEqual([`${POST}/one`, `${POST}/two`])
  const bare = await get(at('getRepo'), { ...mine(ben), excludeValues: 'true' })
  expect(bare.bytes.length).toBeLessThan(whole.bytes.length)
})

test('pages of operations go on where the one before ended', async () => {
  type Page = { ops: { rkey: string }[]; cursor?: string; commit?: object }
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page: Page = await ben.get<Page>(at('listRepoOps'), { ...mine(ben), limit: 2, cursor })
    seen.push(...page.ops.map(({ rkey }) => rkey))
    expect(page.commit === undefined).toBe(page.cursor !== undefined)
    cursor = page.cursor
  } while (cursor)
  expect(seen).toEqual(['beans', 'beans', 'beans', 'one', 'two'])
})

test('the spaces of an account are those it has written in', async () => {
  const second = await createSpace(ada, { spaceType: 'com.example.garden.shed' })
  await writePost(ben, second, 'Spade is back')
  const spaces = async (params: object) =>
    (await ben.get<{ spaces: { uri: string }[] }>(at('listSpaces'), { ...params })).spaces
  expect((await spaces({})).map(({ uri }) => uri).toSorted()).toEqual([space, second].toSorted())
  expect(await spaces({ spaceType: 'com.example.garden.shed' })).toEqual([{ uri: second }])
  expect(await spaces({ did: ben.did })).toEqual([])
})

test('nobody reads or writes a repo of somebody else with a session', async () => {
  const cora = await world.person(world.here)
  for (const who of [ada, cora]) {
    const { get, post: call } = as(who, world.here.url)
    const path = { ...mine(ben), collection: POST, rkey: 'one' }
    const reads = ['getRecord', 'listRecords', 'getLatestCommit', 'getRepo', 'listRepoOps']
    for (const name of [...reads, 'listBlobs'])
      expect(await saying(get(at(name), path)), name).toBe('400 RepoNotFound')
    const record = { $type: POST, text: 'not mine' }
    for (const name of ['createRecord', 'putRecord', 'deleteRecord'])
      expect(await saying(call(at(name), { ...path, record })), name).toBe('400 RepoNotFound')
    const batch = { ...mine(ben), writes: [] }
    expect(await saying(call(at('applyWrites'), batch))).toBe('400 RepoNotFound')
  }
})

test('a repo without a record is none', async () => {
  const { get } = as(ada, world.here.url)
  for (const name of ['listRecords', 'getLatestCommit', 'getRepo', 'listRepoOps'])
    expect(await saying(get(at(name), mine(ada))), name).toBe('400 RepoNotFound')
})

test('what is no reference to a space, and who is nobody, is refused', async () => {
  const { get, post: call } = as(ben, world.here.url)
  for (const bad of ['', 'at://x', `at://${ada.did}/com.example.a.b/c`, `${space}/x`, `${space}?a`])
    expect(await saying(get(at('listRecords'), { ...mine(ben), space: bad })), bad).toBe(
      '400 InvalidRequest',
    )
  expect(await saying(call(at('createRecord'), { ...mine(ben), space: 'at://x' }))).toBe(
    '400 InvalidRequest',
  )
  const nobody = as(undefined, world.here.url)
  expect(await saying(nobody.get(at('listRecords'), mine(ben)))).toBe('401 AuthMissing')
  expect(await saying(nobody.get(at('listSpaces'), {}))).toBe('401 AuthMissing')
  expect(await saying(nobody.get(at('listPeople'), {}))).toBe('501 MethodNotImplemented')
})

test('an app password opens nothing that is permissioned', async () => {
  const made = await ben.call<{ password: string }>('com.atproto.server.createAppPassword', {
    name: 'app',
  })
  const session = await post(world.here.url, 'com.atproto.server.createSession', {
    body: { identifier: ben.handle, password: made.password },
  })
  const app = as({ ...ben, token: String(session.body['accessJwt']) }, world.here.url)
  const path = { ...mine(ben), collection: POST, rkey: 'one' }
  const reads = ['getRecord', 'listRecords', 'getLatestCommit', 'getRepo', 'listRepoOps']
  for (const name of [...reads, 'listBlobs', 'listSpaces', 'getDelegationToken'])
    expect(await saying(app.get(at(name), path)), name).toBe('403 AppPasswordRefused')
  const record = { $type: POST, text: 'by an app' }
  for (const name of ['createRecord', 'putRecord', 'deleteRecord'])
    expect(await saying(app.post(at(name), { ...path, record })), name).toBe(
      '403 AppPasswordRefused',
    )
  expect(await saying(app.get('co.kendev.actor.listSpaceGrants', {}))).toBe(
    '403 FullSessionRequired',
  )
})

test('a record of a known type is held to its lexicon, and one of an unknown type is not', async () => {
  const { post: call } = as(ben, world.here.url)
  const channel = 'co.kendev.spaces.channel'
  const record = { $type: channel, name: 7 }
  const bad = { ...mine(ben), collection: channel, record }
  expect(await saying(call(at('createRecord'), bad))).toBe('400 InvalidRequest')
  const asked = { ...mine(ben), collection: POST, validate: true, record: { text: 'hello' } }
  expect(await saying(call(at('createRecord'), asked))).toBe('400 InvalidRequest')
})
