import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo } from 'node:net'
import { encode } from '@atcute/cbor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { type OriginRoutes, type Upgrade } from '../../src/pds/origin.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { get, message, post, startMemoryPlc, startNode } from './network.ts'
import { type TestNode, type User } from './network.ts'
import { subscribe } from './subscribe.ts'

const ping = 'co.kendev.test.ping'
const crash = 'co.kendev.test.crash'
const stream = 'co.kendev.test.subscribe'
const crashingStream = 'co.kendev.test.subscribeCrash'
const sockets = new WebSocketServer({ noServer: true })

const greet: Upgrade = (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (ws) =>
    ws.send(Buffer.concat([encode({ op: 1, t: '#hello' }), encode({ to: 'you' })])),
  )

const routes: OriginRoutes = {
  handles: (request) => /^\/xrpc\/co\.kendev\.test\.(ping|crash)/.test(request.url ?? ''),
  request: (request, response) => {
    if (request.url?.includes(crash)) throw new Error('a bug')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ served: 'here', method: request.method }))
  },
  upgrades: new Map<string, Upgrade>([
    [stream, greet],
    [
      crashingStream,
      () => {
        throw new Error('a bug')
      },
    ],
  ]),
}

let plc: Plc
let node: TestNode
let other: TestNode
let user: User

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url, routes })
  const elsewhere: OriginRoutes = {
    handles: routes.handles,
    request: (request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ served: 'elsewhere', auth: request.headers.authorization }))
    },
    upgrades: new Map(),
  }
  other = await startNode({ plcUrl: plc.url, routes: elsewhere })
  user = await node.createUser('alice.test')
})
afterAll(async () => {
  sockets.close()
  await node?.close()
  await other?.close()
  await plc?.close()
})

const proxied = (target: string) => ({
  'atproto-proxy': target,
  authorization: `Bearer ${user.token}`,
})

test('the node answers its own paths and the PDS all others', async () => {
  expect((await get(node.url, ping)).body).toEqual({ served: 'here', method: 'GET' })
  expect((await post(node.url, ping, { body: {} })).body.method).toBe('POST')
  expect((await get(node.url, '_health')).status).toBe(200)
  const described = await get(node.url, 'com.atproto.server.describeServer')
  expect(described.body.did).toBe(node.did)
})

test('a request for another service is forwarded to it and not answered here', async () => {
  const answer = await get(node.url, ping, proxied(`${other.did}#angelos_appview`))
  expect(answer.body.served).toBe('elsewhere')
  const [, payload] = String(answer.body.auth).split('.')
  const token = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object
  expect(token).toMatchObject({ iss: user.did, aud: other.did, lxm: ping })
})

test('a request for a service that cannot be found is refused, not answered here', async () => {
  const headers = [
    'did:web:localhost%3A1#x',
    other.did,
    `${other.did}#nothing`,
    `${node.did}x#angelos_appview`,
    `${other.did}#a, ${node.did}#angelos_appview`,
  ]
  for (const target of headers) {
    const answer = await get(node.url, ping, proxied(target))
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.body.served).toBeUndefined()
  }
})

test('a request that names this node is served in place, whatever the service', async () => {
  for (const target of [node.did, `${node.did}#angelos_appview`, `${node.did}#bsky_appview`, '']) {
    expect((await get(node.url, ping, proxied(target))).body.served).toBe('here')
  }
})

test('a method nobody here knows is refused without a call to ourselves', async () => {
  let calls = 0
  node.pds.server!.on('request', () => (calls += 1))
  const answer = await get(node.url, 'co.kendev.test.other', proxied(`${node.did}#angelos_appview`))
  expect(answer).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
  expect(calls).toBe(1)
})

test('a bug in a handler costs an answer of 500 and nothing else', async () => {
  expect((await get(node.url, crash)).status).toBe(500)
  const socket = subscribe(`${node.url}/xrpc/${crashingStream}`)
  await expect(socket.opened).rejects.toThrow('socket hang up')
  expect((await get(node.url, ping)).status).toBe(200)
})

test('the did:web document names the services, keys and account of the node', async () => {
  const url = `${node.url}/.well-known/did.json`
  const response = await fetch(url)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const document = (await response.json()) as Record<string, unknown>
  expect(document.id).toBe(node.did)
  expect(document.alsoKnownAs).toEqual(['did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'])
  const services = document.service as { id: string; serviceEndpoint: string }[]
  expect(services.map(({ id }) => id)).toEqual([
    '#atproto_pds',
    '#angelos_appview',
    '#bsky_appview',
    '#angelos_validator',
  ])
  expect(new Set(services.map(({ serviceEndpoint }) => serviceEndpoint))).toEqual(
    new Set([node.url]),
  )
  const resolved = await other.pds.ctx.idResolver.did.resolveAtprotoKey(node.did)
  expect(resolved).toMatch(/^did:key:zQ3s/)
  expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
})

test('the PDS still answers for handles by host name', async () => {
  const { port } = new URL(node.url)
  const request = http.get({
    port,
    path: '/.well-known/atproto-did',
    headers: { host: 'alice.test' },
  })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  expect((await response.setEncoding('utf8').toArray()).join('')).toBe(user.did)
})

test('subscribeRepos and a subscription of the node work on the same port', async () => {
  const repos = subscribe(`${node.url}/xrpc/com.atproto.sync.subscribeRepos`)
  const own = subscribe(`${node.url}/xrpc/${stream}?cursor=1`)
  await Promise.all([repos.opened, own.opened])
  expect(await own.find(() => true)).toEqual({ to: 'you' })
  const collection = message.$type
  const body = { repo: user.did, collection, record: { text: 'hello' } }
  await post(node.url, 'com.atproto.repo.createRecord', { body, token: user.token })
  expect(await repos.find((frame) => frame.repo === user.did)).toHaveProperty('rev')
  const unknown = subscribe(`${node.url}/xrpc/co.kendev.test.unheardOf`)
  await expect(unknown.opened).rejects.toThrow('socket hang up')
  repos.close()
  own.close()
})

test('the server listens on the loopback interface only', () => {
  expect((node.pds.server!.address() as AddressInfo).address).toBe('127.0.0.1')
})
