import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { AuthRequiredError, InvalidRequestError } from '@atproto/xrpc-server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { co } from '../lexicons/index.ts'
import { silentLog } from '../log.ts'
import { query } from './serve.ts'
import { createXrpc, xrpcRoutes } from './xrpc.ts'

/** The method with its plain path, answered directly, and with one only the router understands. */
const DIRECT = '/xrpc/co.kendev.spaces.getMessage'
const ROUTED = '/xrpc/co.kendev.spaces.getMessage/'

let server: http.Server
let xrpc: ReturnType<typeof createXrpc>
let routed: ReturnType<typeof vi.spyOn>
let failures: ReturnType<typeof vi.fn>

beforeEach(() => serve(false))
afterEach(() => new Promise((closed) => server.close(closed)))

/** Serves getMessage, which does as its uri says. */
async function serve(rateLimits: boolean): Promise<void> {
  xrpc = createXrpc({ blobLimitBytes: 1_000, rateLimits })
  const mount = {
    ...xrpc,
    authenticate: async ({ req, res }: { req: http.IncomingMessage; res: http.ServerResponse }) => {
      if (req.headers.authorization === undefined) return undefined
      res.setHeader('www-authenticate', 'Bearer')
      throw new AuthRequiredError('These credentials do not hold.', 'BadJwt')
    },
  }
  query(mount, co.kendev.spaces.getMessage, async ({ params: { uri } }) => {
    if (uri === 'nothing') throw new InvalidRequestError('There is no such message.', 'NotFound')
    if (uri === 'bug') throw new TypeError('a secret of ours')
    if (uri === 'unstorable') throw Object.assign(new Error('bad text'), { code: '22021' })
    return { uri, text: 'Ölwechsel 🚗' } as never
  })
  routed = vi.spyOn(xrpc.server.routes as never, 'handle' as never)
  failures = vi.fn<() => void>()
  const log = Object.assign(Object.create(silentLog), { error: failures })
  const health = async () => ({ status: 200, body: {} })
  const { request } = xrpcRoutes({ xrpc, health, log })
  server = http.createServer(request)
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up))
}

async function ask(path: string, init: RequestInit = {}) {
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  const headers = Object.fromEntries(response.headers)
  for (const name of ['date', 'x-request-id', 'connection', 'keep-alive']) delete headers[name]
  return { status: response.status, headers, body: await response.text() }
}

test.each([
  ['an answer', '?uri=at%3A%2F%2Fada%2Fmessage', 200],
  ['a + and umlauts in a parameter', '?uri=a+b%C3%B6', 200],
  ['a missing parameter', '', 400],
  ['an empty query', '?', 400],
  ['a parameter given twice', '?uri=a&uri=b', 400],
  ['a parameter that is too long', `?uri=${'a'.repeat(1_025)}`, 400],
  ['a parameter nobody knows', '?uri=a&other=1', 200],
  ['a parameter named like a prototype', '?uri=a&__proto__=2', 400],
  ['the character U+0000', '?uri=a%00', 400],
  ['U+0000 in a parameter nobody knows', '?uri=a&other=%00', 400],
  ['what is not there', '?uri=nothing', 400],
  ['text that cannot be stored', '?uri=unstorable', 400],
  ['a bug', '?uri=bug', 500],
])('%s looks the same directly and through the router', async (_, search, status) => {
  const direct = await ask(`${DIRECT}${search}`)
  expect(routed).not.toHaveBeenCalled()
  expect(direct.status).toBe(status)
  expect(direct.headers['access-control-allow-origin']).toBe('*')
  expect(await ask(`${ROUTED}${search}`)).toEqual(direct)
  expect(routed).toHaveBeenCalledOnce()
})

test('credentials that do not hold look the same directly and through the router', async () => {
  const headers = { authorization: 'Bearer x' }
  const direct = await ask(`${DIRECT}?uri=a`, { headers })
  expect(routed).not.toHaveBeenCalled()
  expect(direct).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
  expect(await ask(`${ROUTED}?uri=a`, { headers })).toEqual(direct)
})

test('a bug is logged and its words stay here; what callers do wrong is not logged', async () => {
  await ask(`${DIRECT}?uri=nothing`)
  expect(failures).not.toHaveBeenCalled()
  expect((await ask(`${DIRECT}?uri=bug`)).body).not.toContain('secret')
  const err: unknown = expect.objectContaining({ message: 'a secret of ours' })
  expect(failures).toHaveBeenCalledWith(expect.objectContaining({ err }), 'a request failed')
})

test('what is not a plain GET of a query is left to the router', async () => {
  const head = await ask(`${DIRECT}?uri=a`, { method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, body: '' })
  const post = await ask(DIRECT, { method: 'POST', body: '{}' })
  expect(post).toMatchObject({ status: 400, body: expect.stringContaining('expected GET') })
  const unknown = await ask('/xrpc/co.kendev.spaces.getNothing?uri=a')
  expect(unknown).toMatchObject({ status: 501, body: expect.stringContaining('getNothing') })
  expect(routed).toHaveBeenCalledTimes(3)
  const preflight = await ask(DIRECT, { method: 'OPTIONS' })
  expect(preflight.headers['access-control-allow-methods']).toBe('GET, HEAD, POST')
  expect(preflight.status).toBe(204)
})

test('a GET with a body is refused', async () => {
  const { port } = server.address() as AddressInfo
  const status = await new Promise((answered) => {
    const headers = { 'content-length': '2' }
    const options = { port, path: `${DIRECT}?uri=a`, headers, agent: false }
    http.request(options, (response) => answered(response.resume().statusCode)).end('{}')
  })
  expect(status).toBe(400)
})

test('the limit by address counts direct and routed requests together', async () => {
  server.close()
  await serve(true)
  const remaining = async (path: string, from: string) => {
    const { headers } = await ask(`${path}?uri=a`, { headers: { 'x-forwarded-for': from } })
    return headers['ratelimit-remaining']
  }
  expect(await remaining(DIRECT, '203.0.113.1')).toBe('2999')
  expect(await remaining(ROUTED, '203.0.113.1')).toBe('2998')
  expect(await remaining(DIRECT, '203.0.113.1')).toBe('2997')
  expect(await remaining(DIRECT, '198.51.100.7, 10.0.0.1')).toBe('2999')
  expect(await remaining(ROUTED, '198.51.100.7')).toBe('2998')
})

test('an address over its limit is told when to come back, the same both ways', async () => {
  server.close()
  await serve(true)
  const used = { calcKey: () => '203.0.113.1', calcPoints: () => 3_000 }
  await xrpc.server.globalRateLimiter!.consume({} as never, used)
  const headers = { 'x-forwarded-for': '203.0.113.1' }
  const direct = await ask(`${DIRECT}?uri=a`, { headers })
  expect(direct.status).toBe(429)
  expect(Number(direct.headers['retry-after'])).toBeGreaterThan(0)
  const through = await ask(`${ROUTED}?uri=a`, { headers })
  expect([through.status, through.body]).toEqual([direct.status, direct.body])
  expect(Object.keys(through.headers)).toEqual(Object.keys(direct.headers))
})
