import { type PDS } from '@atproto/pds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Plc } from '../../src/pds/plc.ts'
import { get, message, post, profile, startMemoryPlc, startNode } from './network.ts'
import { type TestNode, type User } from './network.ts'

let plc: Plc
let node: TestNode
let user: User

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
  user = await node.createUser('alice.test')
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

const good = { $type: message.$type, text: 'hello' }
const bad = { $type: message.$type, text: 'x'.repeat(101) }
const collection = message.$type

const write = (method: string, body: object, to: { node: TestNode; user: User } = { node, user }) =>
  post(to.node.url, `com.atproto.repo.${method}`, {
    body: { repo: to.user.did, ...body },
    token: to.user.token,
  })

const flags = [undefined, true, false]
const rkey = '3lw4qc3hq7c2v'
const paths: [string, (record: object, validate?: boolean) => [string, object]][] = [
  ['createRecord', (record, validate) => ['createRecord', { collection, record, validate }]],
  ['putRecord', (record, validate) => ['putRecord', { collection, rkey, record, validate }]],
  [
    'applyWrites create',
    (value, validate) => [
      'applyWrites',
      { validate, writes: [{ $type: 'com.atproto.repo.applyWrites#create', collection, value }] },
    ],
  ],
  [
    'applyWrites update',
    (value, validate) => [
      'applyWrites',
      {
        validate,
        writes: [{ $type: 'com.atproto.repo.applyWrites#update', collection, rkey, value }],
      },
    ],
  ],
]

for (const [name, request] of paths) {
  for (const validate of flags) {
    test(`${name}, validate ${String(validate)}, names the invalid field`, async () => {
      await write('putRecord', { collection, rkey, record: { ...good, text: name } })
      const refused = await write(...request(bad, validate))
      expect(refused).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
      expect(refused.body.message).toMatch(/^Invalid co\.kendev\.test\.message record: .*\$\.text/)
      const text = `${name} ${String(validate)}`
      const taken = await write(...request({ ...good, text }, validate))
      expect(taken.status).toBe(200)
      const results = taken.body.results as Record<string, unknown>[] | undefined
      expect((results?.[0] ?? taken.body).validationStatus).toBe('valid')
    })
  }
}

test('a field deep inside a record is named by its path', async () => {
  const record = { ...good, tags: ['fine', 'much too long a tag'] }
  const refused = await write('createRecord', { collection, record })
  expect(refused.body.message).toContain('$.tags[1]')
})

test('a record type of ours that this node does not know is refused', async () => {
  const unknown = 'co.kendev.test.unheardOf'
  for (const validate of flags) {
    const refused = await write('createRecord', { collection: unknown, record: {}, validate })
    expect(refused).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
    expect(refused.body.message).toBe(`This node does not know the record type ${unknown}`)
  }
})

test('a record key that the lexicon does not allow is refused', async () => {
  const record = { name: 'Alice' }
  const wrong = await write('putRecord', { collection: profile.$type, rkey: 'other', record })
  expect(wrong.status).toBe(400)
  expect(wrong.body.message).toMatch(/^Invalid record key for co\.kendev\.test\.profile/)
  const right = await write('putRecord', { collection: profile.$type, rkey: 'self', record })
  expect(right.status).toBe(200)
})

test('validate true still refuses foreign types nobody knows, alone or among ours', async () => {
  const foreign = 'com.example.thing'
  const alone = await write('createRecord', { collection: foreign, record: {}, validate: true })
  expect(alone.body.message).toBe(`Unknown lexicon type: ${foreign}`)
  const create = (name: string, value: object) => ({
    $type: 'com.atproto.repo.applyWrites#create',
    collection: name,
    value,
  })
  const post = { text: 'hi', createdAt: new Date().toISOString() }
  const mixed = [create(collection, good), create(foreign, {})]
  const refused = await write('applyWrites', { validate: true, writes: mixed })
  expect(refused.status).toBe(400)
  const known = [create(collection, good), create('app.bsky.feed.post', post)]
  expect((await write('applyWrites', { validate: true, writes: known })).status).toBe(200)
})

test('a record with a blob is valid and its blob served, a blob too big is not', async () => {
  const upload = async (bytes: Buffer) => {
    const response = await fetch(`${node.url}/xrpc/com.atproto.repo.uploadBlob`, {
      method: 'POST',
      headers: { 'content-type': 'image/gif', authorization: `Bearer ${user.token}` },
      body: new Uint8Array(bytes),
    })
    return ((await response.json()) as { blob: { ref: { $link: string } } }).blob
  }
  const small = await upload(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(20)]))
  for (const validate of flags) {
    const record = { ...good, image: small }
    expect((await write('createRecord', { collection, record, validate })).status).toBe(200)
  }
  const cid = small.ref.$link
  const blob = await fetch(`${node.url}/xrpc/com.atproto.sync.getBlob?did=${user.did}&cid=${cid}`)
  expect((await blob.arrayBuffer()).byteLength).toBe(26)
  const big = await upload(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(2_000)]))
  const refused = await write('createRecord', { collection, record: { ...good, image: big } })
  expect(refused.body.message).toContain('$.image')
})

test('a refused record leaves nothing behind and deletions are not checked', async () => {
  const key = '3lw4qc3hq7c3v'
  await write('putRecord', { collection, rkey: key, record: bad, validate: false })
  const uri = `repo=${user.did}&collection=${collection}&rkey=${key}`
  expect((await get(node.url, `com.atproto.repo.getRecord?${uri}`)).status).toBe(400)
  await write('putRecord', { collection, rkey: key, record: good })
  expect((await write('deleteRecord', { collection, rkey: key })).status).toBe(200)
})

test('the check holds if another part wraps or replaces transact, before it or after', async () => {
  let calls = 0
  const wrap = ({ ctx: { actorStore } }: PDS) => {
    const before = actorStore.transact.bind(actorStore)
    actorStore.transact = (did, work) => {
      calls += 1
      return before(did, work)
    }
  }
  const replace = ({ ctx: { actorStore } }: PDS) => {
    const prototype = Object.getPrototypeOf(actorStore) as typeof actorStore
    actorStore.transact = (did, work) => {
      calls += 1
      return prototype.transact.call(actorStore, did, work) as Promise<never>
    }
  }
  const orders = [
    { beforeValidate: wrap },
    { afterValidate: wrap },
    { beforeValidate: replace },
    { afterValidate: replace },
  ]
  for (const order of orders) {
    const other = await startNode({ plcUrl: plc.url, ...order })
    try {
      const to = { node: other, user: await other.createUser('bob.test') }
      calls = 0
      const record = bad
      expect(
        (await write('createRecord', { collection, record, validate: false }, to)).status,
      ).toBe(400)
      expect((await write('createRecord', { collection, record: good }, to)).status).toBe(200)
      expect(calls).toBe(2)
    } finally {
      await other.close()
    }
  }
})
