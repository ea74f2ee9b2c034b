import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openSignedRepo, readRecords } from '../../src/firehose/signed-repo.ts'
import { createIdentityResolver } from '../../src/identity/resolver.ts'
import { silentLog } from '../../src/log.ts'
import { keepWritten } from '../../src/pds/keep-written.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { type TestNode, get, message, post, startMemoryPlc, startNode } from './network.ts'

const collection = message.$type
/** In layers of the tree that are not next to each other. */
const [low, high] = ['3lw4qc3hq2222', '3lw4qc3hq223u'] as const
const [a, b, c] = ['3lw4qc3hq7c2a', '3lw4qc3hq7c2b', '3lw4qc3hq7c2c'] as const
let plc: Plc
let node: TestNode
let users = 0

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url, beforeValidate: keepWritten })
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

type Texts = Record<string, string | null>

test.each<[string, Texts, Texts]>([
  ['the only record gets another key', { [high]: 'x' }, { [high]: null, [low]: 'x' }],
  ['two records change places', { [a]: 'x', [b]: 'y' }, { [a]: 'y', [b]: 'x' }],
  ['of two alike one goes, one is written again', { [a]: 'x', [b]: 'x' }, { [a]: null, [b]: 'x' }],
  ['two alike become one', { [b]: 'x', [c]: 'x' }, { [a]: 'x', [b]: null, [c]: null }],
  ['one changes, another takes what it held', { [b]: 'x', [c]: 'y' }, { [a]: 'x', [b]: 'z' }],
])('%s: what is written is there', async (_, before, changes) => {
  users += 1
  const { did, token } = await node.createUser(`writer-${users}.test`)
  const held = new Map<string, string>()
  for (const step of [before, changes]) {
    const writes = Object.entries(step).map(([rkey, text]) => {
      const kind = text === null ? 'delete' : held.has(rkey) ? 'update' : 'create'
      if (text === null) held.delete(rkey)
      else held.set(rkey, text)
      const value = text === null ? {} : { value: { $type: collection, text } }
      return { $type: `com.atproto.repo.applyWrites#${kind}`, collection, rkey, ...value }
    })
    const body = { repo: did, writes }
    const answer = await post(node.url, 'com.atproto.repo.applyWrites', { token, body })
    expect(answer).toMatchObject({ status: 200 })
  }
  expect(await listed(did)).toEqual(held)
  const repo = await exported(did)
  expect(repo).toMatchObject({ ok: true, records: { length: held.size } })
  expect(repo.ok && new Set(repo.records.map(({ rkey }) => rkey))).toEqual(new Set(held.keys()))
})

test('an older copy of a repo, imported over a newer one, brings back what is alike', async () => {
  const { did, token } = await node.createUser('importer.test')
  const write = async (rkey: string) => {
    const body = { repo: did, collection, rkey, record: { $type: collection, text: 'x' } }
    const answer = await post(node.url, 'com.atproto.repo.createRecord', { token, body })
    expect(answer).toMatchObject({ status: 200 })
  }
  await write(a)
  const older = await carOf(did)
  await write(b)
  const imported = await fetch(`${node.url}/xrpc/com.atproto.repo.importRepo`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.ipld.car', authorization: `Bearer ${token}` },
    body: older,
  })
  expect(imported.status).toBe(200)
  expect(await listed(did)).toEqual(new Map([[a, 'x']]))
  expect(await exported(did)).toMatchObject({ ok: true, records: [{ rkey: a }] })
})

async function listed(did: string): Promise<Map<string, string>> {
  const params = `repo=${did}&collection=${collection}`
  const { body } = await get(node.url, `com.atproto.repo.listRecords?${params}`)
  const records = body['records'] as { uri: string; value: { text: string } }[]
  return new Map(records.map(({ uri, value }) => [uri.split('/').at(-1)!, value.text]))
}

async function exported(did: string) {
  const resolver = createIdentityResolver({
    plcUrl: plc.url,
    development: true,
    clock: systemClock,
    log: silentLog,
  })
  const identity = await resolver.resolve(did)
  const signed = { car: await carOf(did), identity: identity!, now: systemClock.now() }
  const repo = openSignedRepo(signed)
  return repo.ok ? readRecords(repo) : repo
}

async function carOf(did: string): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(`${node.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  return new Uint8Array(await answer.arrayBuffer())
}
