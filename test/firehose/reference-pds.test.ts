import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type FirehoseEvent, type RecordWrite } from '../../src/firehose/event.ts'
import { verifyRecordProof } from '../../src/firehose/proof.ts'
import { createIdentityResolver } from '../../src/identity/resolver.ts'
import { silentLog } from '../../src/log.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { type TestNode, message, post, startMemoryPlc, startNode } from '../pds/network.ts'
import { type Followed, follow } from './follow.ts'

const collection = message.$type
let plc: Plc
let node: TestNode

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

test('what the reference PDS sends is verified: accounts, writes, batches, handles', async () => {
  const resolver = resolverOf(plc.url)
  await using followed = follow(node.url, [], {
    inScope: () => true,
    authoritative: ({ pds }) => pds === node.url,
    resolver,
  })
  const { did, token } = await node.createUser('alice.test')
  const letters = 'abcdefghijklmnopqrstuvwxyz'.split('')
  const rkeys = ['a', 'b', 'c'].flatMap((two) => letters.map((one) => `3lw4qc3hq7c${two}${one}`))
  const apply = async (writes: object[]) => {
    const answer = await post(node.url, 'com.atproto.repo.applyWrites', {
      token,
      body: { repo: did, writes },
    })
    expect(answer).toMatchObject({ status: 200 })
  }
  const write = (kind: string, rkey: string, text?: string) => ({
    $type: `com.atproto.repo.applyWrites#${kind}`,
    collection,
    rkey,
    ...(text && { value: { $type: collection, text } }),
  })
  for (const rkey of rkeys) await apply([write('create', rkey, `text ${rkey}`)])
  await apply(rkeys.slice(0, 10).map((rkey) => write('update', rkey, `changed ${rkey}`)))
  await apply(rkeys.slice(5, 20).map((rkey) => write('delete', rkey)))
  const renamed = await fetch(`${node.url}/xrpc/com.atproto.identity.updateHandle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ handle: 'alicia.test' }),
  })
  expect(renamed.status).toBe(200)

  const isRenamed = (event: FirehoseEvent) =>
    event.kind === 'identity' && event.handle === 'alicia.test'
  await expect.poll(() => followed.events.some(isRenamed)).toBe(true)
  const mine = followed.events.filter((event) => event.did === did)
  expect(mine.filter(({ kind }) => kind === 'refused')).toEqual([])
  expect(mine.slice(0, 4).map(({ kind }) => kind)).toEqual([
    'identity',
    'account',
    'commit',
    'sync',
  ])
  const left = stateAfter(followed)
  expect(new Set(left.keys())).toEqual(new Set([...rkeys.slice(0, 5), ...rkeys.slice(20)]))
  const revs = mine.flatMap((event) => (event.kind === 'commit' ? [event] : []))
  expect(revs.slice(1).map(({ since }) => since)).toEqual(revs.slice(0, -1).map(({ rev }) => rev))
})

test('the proofs of the reference PDS are verified, of records and of their absence', async () => {
  const { did, token } = await node.createUser('carol.test')
  const rkey = '3lw4qc3hq7c2v'
  const record = { $type: collection, text: 'here' }
  const body = { repo: did, collection, rkey, record }
  const created = await post(node.url, 'com.atproto.repo.createRecord', { token, body })
  const identity = await resolverOf(plc.url).resolve(did)
  if (identity === undefined) throw new Error('not resolved')
  const prove = async (key: string) => {
    const params = new URLSearchParams({ did, collection, rkey: key })
    const answer = await fetch(`${node.url}/xrpc/com.atproto.sync.getRecord?${params.toString()}`)
    const car = new Uint8Array(await answer.arrayBuffer())
    return verifyRecordProof({ car, did, collection, rkey: key, identity })
  }
  expect(await prove(rkey)).toMatchObject({ ok: true, cid: created.body['cid'] })
  expect(await prove('3lw4qc3hq7c3v')).toMatchObject({ ok: true, cid: null })
})

function resolverOf(plcUrl: string) {
  return createIdentityResolver({ plcUrl, development: true, clock: systemClock, log: silentLog })
}

function stateAfter(followed: Followed): Map<string, RecordWrite> {
  const state = new Map<string, RecordWrite>()
  for (const event of followed.events) {
    if (event.kind !== 'commit') continue
    for (const write of event.writes) {
      if (write.action === 'delete') state.delete(write.rkey)
      else state.set(write.rkey, write)
    }
  }
  return state
}
