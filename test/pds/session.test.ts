import http from 'node:http'
import { ScopePermissionsTransition } from '@atproto/oauth-scopes'
import { XRPCError } from '@atproto/xrpc-server'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Plc } from '../../src/pds/plc.ts'
import { sessionVerifier, type VerifySession } from '../../src/pds/session.ts'
import { post, startMemoryPlc, startNode } from './network.ts'
import { type TestNode, type User } from './network.ts'

let plc: Plc
let node: TestNode
let user: User
let now: Date
let verify: VerifySession
let users = 0

const nsid = 'co.kendev.spaces.listSpaces'

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
})
beforeEach(async () => {
  now = new Date()
  verify = sessionVerifier(node.pds, { now: () => now })
  users += 1
  user = await node.createUser(`user-${users}.test`)
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

const call = (authorization: string | undefined) => {
  const request = new http.IncomingMessage(null as never)
  request.method = 'GET'
  request.url = `/xrpc/${nsid}`
  if (authorization !== undefined) request.headers.authorization = authorization
  const response = new http.ServerResponse(request)
  return { response, caller: verify(request, response, nsid) }
}
const errorOf = async (authorization: string | undefined) => {
  const error: unknown = await call(authorization).caller.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof XRPCError ? `${error.statusCode} ${error.error}` : error
}
const later = (seconds: number) => void (now = new Date(now.getTime() + seconds * 1_000))

test('a session token names its account, the first time and from memory', async () => {
  for (const _ of [1, 2]) {
    const { caller, response } = call(`Bearer ${user.token}`)
    expect(await caller).toEqual({ did: user.did, kind: 'session' })
    expect(response.getHeader('cache-control')).toBe('private')
    expect(String(response.getHeader('vary'))).toMatch(/authorization/i)
  }
})

test('a remembered token is not verified again', async () => {
  const { authVerifier } = node.pds.ctx as unknown as {
    authVerifier: { verifyBearerJwt: () => void }
  }
  const spy = vi.spyOn(authVerifier, 'verifyBearerJwt')
  for (const _ of [1, 2, 3]) await call(`bearer ${user.token}`).caller
  expect(spy).toHaveBeenCalledTimes(1)
  spy.mockRestore()
})

test('only a session found valid is remembered, not what else the PDS was asked about', async () => {
  const header = `Bearer ${user.token}`
  expect(verify.remembers(header)).toBe(false)
  await call(header).caller
  expect(verify.remembers(header)).toBe(true)
  expect(await errorOf('Bearer nonsense')).toBe('400 InvalidToken')
  expect(verify.remembers('Bearer nonsense')).toBe(false)
})

test('missing, foreign and forged credentials are refused', async () => {
  expect(await errorOf(undefined)).toBe('401 AuthMissing')
  expect(await errorOf('Bearer nonsense')).toBe('400 InvalidToken')
  expect(await errorOf(`Bearer ${user.token.slice(0, -4)}AAAA`)).toBe('400 InvalidToken')
  expect(await errorOf('Basic YWRtaW46eA==')).toBe('400 InvalidToken')
  const session = await post(node.url, 'com.atproto.server.createSession', {
    body: { identifier: user.handle, password: 'a-password' },
  })
  expect(await errorOf(`Bearer ${String(session.body.refreshJwt)}`)).toBe('400 InvalidToken')
})

test('a remembered token stops at its expiry', async () => {
  await call(`Bearer ${user.token}`).caller
  vi.useFakeTimers({ now: now.getTime() + 3 * 3_600_000, toFake: ['Date'] })
  try {
    later(3 * 3_600)
    expect(await errorOf(`Bearer ${user.token}`)).toBe('400 ExpiredToken')
  } finally {
    vi.useRealTimers()
  }
})

test('a takedown or deactivation ends a remembered session within 30 seconds', async () => {
  const did = user.did as `did:plc:${string}`
  const { accountManager } = node.pds.ctx
  await call(`Bearer ${user.token}`).caller
  await accountManager.deactivateAccount(did)
  later(30)
  expect(await errorOf(`Bearer ${user.token}`)).toBe('401 AccountDeactivated')
  expect(await errorOf(`Bearer ${user.token}`)).toBe('401 AccountDeactivated')
  await accountManager.activateAccount(did)
  expect((await call(`Bearer ${user.token}`).caller).did).toBe(did)
  await accountManager.takedownAccount(did, { applied: true, ref: 'test' })
  later(30)
  expect(await errorOf(`Bearer ${user.token}`)).toBe('401 AccountTakedown')
})

test('an account still good after 30 seconds stays remembered', async () => {
  await call(`Bearer ${user.token}`).caller
  later(31)
  expect((await call(`Bearer ${user.token}`).caller).did).toBe(user.did)
})

const oauth = async (scope: string) => {
  // Proof of possession is the provider's own business; what is tested is what follows it.
  const { oauthVerifier } = node.pds.ctx.authVerifier
  const spy = vi.spyOn(oauthVerifier, 'authenticateRequest')
  spy.mockResolvedValue({ sub: user.did, scope } as never)
  try {
    const { caller } = call('DPoP token')
    return await caller.catch((error: unknown) => error)
  } finally {
    spy.mockRestore()
  }
}

test('an OAuth token needs the scope for the method at this node', async () => {
  const scope = `atproto rpc:${nsid}?aud=${encodeURIComponent(`${node.did}#angelos_appview`)}`
  const caller = await oauth(scope)
  expect(caller).toMatchObject({ did: user.did, kind: 'oauth' })
  expect((caller as { permissions: unknown }).permissions).toBeInstanceOf(
    ScopePermissionsTransition,
  )
  expect(await oauth('atproto transition:generic')).toMatchObject({ kind: 'oauth' })
  for (const wrong of [
    'atproto',
    `atproto rpc:${nsid}?aud=did:web:example.com%23angelos_appview`,
    `atproto rpc:co.kendev.spaces.other?aud=*`,
  ]) {
    expect(await oauth(wrong)).toMatchObject({ type: 403, error: 'ScopeMissingError' })
  }
})

test('a DPoP token that proves nothing is refused, with a nonce for the next attempt', async () => {
  const { caller, response } = call('DPoP nonsense')
  await expect(caller).rejects.toMatchObject({ type: 401 })
  expect(response.getHeader('dpop-nonce')).toBeTypeOf('string')
  expect(response.getHeader('www-authenticate')).toMatch(/^DPoP/)
})
