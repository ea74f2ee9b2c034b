import { afterAll, beforeAll, expect, test } from 'vitest'
import { metricName } from '../../src/events.ts'
import { type Metric, parseExposition, valueOf } from '../exposition.ts'
import { lies } from '../firehose/lies.ts'
import { type Garage, foundGarage, messageIn } from '../garage.ts'
import { type HostileAccount, callAs, createHostileAccount } from '../hostile-account.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { freePort } from '../node-process.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

const parts = new AsyncDisposableStack()
let node: TestNode
let admin: string
let ada: Person
let garage: Garage
let mallory: HostileAccount

beforeAll(async () => {
  const port = await freePort()
  const network = parts.use(await startNetwork(1, { ANGELOS_ADMIN_PORT: String(port) }))
  node = network.nodes[0]!
  admin = `http://127.0.0.1:${port}`
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  garage = await foundGarage(node.url, ada)
  mallory = parts.use(await createHostileAccount(node.plcUrl))
})
afterAll(() => parts.disposeAsync())

async function scrape(): Promise<Map<string, Metric>> {
  const response = await fetch(`${admin}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseExposition(await response.text())
}

/** A value as it is once it is `expected`, or as it still is after five seconds. */
async function settles(name: string, labels: Record<string, string>, expected: number) {
  await expect
    .poll(async () => valueOf(await scrape(), name, labels), { timeout: 10_000 })
    .toBe(expected)
}

test('what people write is counted on its way, and the views are not behind', async () => {
  const before = await scrape()
  const host = { host: node.url }
  const commits = { ...host, kind: 'commit' }
  const counted = (page: Map<string, Metric>) =>
    valueOf(page, 'angelos_firehose_events_total', commits) ?? 0
  for (const text of ['one', 'two', 'three'])
    await ada.call(`${SPACES}.sendMessage`, { space: garage.did, text })
  await settles('angelos_firehose_events_total', commits, counted(before) + 3)
  const after = await scrape()
  const value = (name: string, labels = {}) => valueOf(after, name, labels)
  const more = (name: string, labels = {}) =>
    (valueOf(after, name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0)
  expect(more('angelos_firehose_frames_total', host)).toBe(3)
  expect(more('angelos_firehose_verification_seconds_count', { kind: 'commit' })).toBe(3)
  expect(more('angelos_store_outcomes_total', { outcome: 'indexed' })).toBe(3)
  expect(more('angelos_store_batch_sum')).toBe(3)
  const nsid = `${SPACES}.sendMessage`
  expect(more('angelos_xrpc_requests_total', { nsid, status: '200' })).toBe(3)
  expect(more('angelos_xrpc_duration_seconds_count', { nsid })).toBe(3)
  expect(value('angelos_firehose_connected', host)).toBe(1)
  expect(value('angelos_firehose_lag_events', host)).toBe(0)
  expect(value('angelos_firehose_lag_seconds', host)).toBe(0)
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(50_000_000)
  expect(more('process_cpu_seconds_total')).toBeGreaterThan(0)
  expect(value('angelos_database_connections', { pool: 'main', state: 'idle' })).toBeGreaterThan(0)
  expect(value('angelos_event_loop_delay_seconds', { quantile: '1' })).toBeLessThan(60)
})

test('methods of the PDS are counted by name, and names that callers make up are not', async () => {
  const described = { nsid: 'com.atproto.server.describeServer', status: '200' }
  const other = { nsid: 'other', status: '501' }
  const before = await scrape()
  const was = (labels: Record<string, string>) =>
    valueOf(before, 'angelos_xrpc_requests_total', labels) ?? 0
  await anybodyGet(node.url, described.nsid)
  for (const n of [1, 2, 3]) await fetch(`${node.url}/xrpc/${SPACES}.madeUp${n}`)
  await settles('angelos_xrpc_requests_total', described, was(described) + 1)
  await settles('angelos_xrpc_requests_total', other, was(other) + 3)
})

test('a record that its collection does not accept is counted by its reason', async () => {
  await ada.create(`${SPACES}.message`, messageIn(garage, ''))
  await expect
    .poll(async () => valueOf(await scrape(), 'angelos_quarantined', { reason: 'NothingSaid' }), {
      timeout: 15_000,
    })
    .toBe(1)
  const health = await anybodyGet(node.url, '_health')
  expect(health['quarantined']).toEqual({ NothingSaid: 1 })
})

test('a commit that another host has forged is counted by its reason and its host', async () => {
  const { repo, host } = mallory
  const record = { space: garage.did, createdAt: new Date().toISOString() }
  const collection = `${SPACES}.membershipRequest`
  const { ops } = await repo.commit([
    { action: 'create', collection, rkey: garage.did, record: { $type: collection, ...record } },
  ])
  const uri = `at://${mallory.did}/${collection}/${garage.did}`
  const joined = { space: garage.did, uri, cid: ops[0]!.cid!.$link }
  expect((await callAs(mallory, node, `${SPACES}.join`, joined)).status).toBe(200)
  await expect.poll(() => host.connected()).toBe(1)
  const lie = lies.find(({ reason }) => reason === 'BadSignature')!
  const message = { $type: `${SPACES}.message`, ...messageIn(garage, 'a lie') }
  const rkey = '3lw4qc3hq7c22'
  const write = { action: 'create' as const, collection: message.$type, rkey, record: message }
  host.play(1, await repo.write(1, [write], lie.tampering()))
  const labels = { host: host.origin.replace('ws:', 'http:'), reason: 'BadSignature' }
  await settles('angelos_firehose_refused_total', labels, 1)
  expect(valueOf(await scrape(), 'angelos_firehose_connected', { host: labels.host })).toBe(1)
})

test('every metric of the page is declared, and is told with its help', async () => {
  const page = await scrape()
  const { declarations } = await import('../../src/events.ts')
  const declared = new Map(
    Object.entries(declarations).map(([name, { help }]) => [metricName(name as never), help]),
  )
  const undeclared = [...page].filter(([name, { help }]) => declared.get(name) !== help)
  expect(undeclared.map(([name]) => name)).toEqual(['target_info'])
})

test('a node that has started is alive and ready, and says what it looked at', async () => {
  const ready = await fetch(`${admin}/readyz`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({
    ready: true,
    amiss: [],
    checks: { migrations: { ok: true }, database: { ok: true }, pds: { ok: true } },
  })
  expect((await fetch(`${admin}/livez`)).status).toBe(200)
  expect((await fetch(`${admin}/xrpc/_health`)).status).toBe(404)
  expect((await fetch(`${node.url}/metrics`)).status).toBe(404)
})

test('health tells how far the views are behind every host', async () => {
  const health = await anybodyGet(node.url, '_health')
  expect(health).toMatchObject({ database: { ok: true }, version: expect.any(String) })
  expect(health['firehose']).toContainEqual(
    expect.objectContaining({ host: node.url, connected: true, lagEvents: 0, lagSeconds: 0 }),
  )
})

test('a port that is taken is named with the setting that chooses another', async () => {
  const taken = startNetwork(1, { ANGELOS_ADMIN_PORT: new URL(admin).port })
  await expect(taken).rejects.toThrow(/127\.0\.0\.1:\d+ is taken: give ANGELOS_ADMIN_PORT/)
})
