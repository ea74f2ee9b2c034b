import { createServer } from 'node:http'
import { Secp256k1Keypair } from '@atproto/crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../browser.ts'
import { type ForeignPds, startForeignPds } from '../foreign-pds.ts'
import { type Garage, type Ref, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { freePort } from '../node-process.ts'
import { CallError, type Person, createPerson } from '../person.ts'
import { forgeToken, withClaim, withHighS } from '../service-token.ts'

const JOIN = 'co.kendev.spaces.join'
const REQUEST = 'co.kendev.spaces.membershipRequest'
const LIST = 'co.kendev.spaces.listMessages'

const parts = new AsyncDisposableStack()
let node: TestNode
let foreign: ForeignPds
let ada: Person
let ben: Person
let garage: Garage
let request: Ref
let sql: pg.Client

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  foreign = parts.use(await startForeignPds(node.plcUrl))
  sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  parts.defer(() => sql.end())
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  ben = await createPerson(foreign.url, 'ben.foreign.test')
  garage = await foundGarage(node.url, ada)
  const wish = { space: garage.did, createdAt: new Date().toISOString() }
  request = await ben.create(REQUEST, wish, garage.did)
})
afterAll(() => parts.disposeAsync())

const soon = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

async function granted(claims: Record<string, unknown> = {}): Promise<string> {
  const params = { aud: node.did, lxm: JOIN, exp: soon(60), ...claims }
  const answer = await ben.get<{ token: string }>('com.atproto.server.getServiceAuth', params)
  return answer.token
}

/** A token signed by Ben's key that differs from a right one in these claims. */
async function forged(claims: Record<string, unknown> = {}, header?: Record<string, unknown>) {
  const key = await foreign.keyOf(ben.did)
  return forgeToken(key, { iss: ben.did, aud: node.did, lxm: JOIN, ...claims }, header)
}

const from = (did: string) => ({ iss: did, aud: node.did, lxm: JOIN })

/** Ben joins with this token; what the node answered, by status and name. */
async function join(token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  const body = { space: garage.did, ...request }
  const answer = await ask(`${node.url}/xrpc/${JOIN}`, { method: 'POST', headers, body })
  return answer.status === 200 ? 'joined' : `${answer.status} ${String(answer.body['error'])}`
}

/** What the node keeps of Ben, his tokens included. */
async function keptOfBen(): Promise<number> {
  const { rows } = await sql.query<{ kept: number }>(
    `select (select count(*) from appview.account where did = $1)::int
      + (select count(*) from appview.record where did = $1 or rkey = $1)::int
      + (select count(*) from node."seenToken")::int as kept`,
    [ben.did],
  )
  return rows[0]!.kept
}

test('a token that is wrong in one thing is refused by name, and nothing is written', async () => {
  const stranger = await Secp256k1Keypair.create()
  const nobody = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  const cases: [string, string, string][] = [
    ['for another service', await granted({ aud: 'did:web:example.com' }), '401 BadJwtAudience'],
    ['for our PDS', await forged({ aud: `${node.did}#atproto_pds` }), '401 BadJwtAudience'],
    ['for another method', await granted({ lxm: LIST }), '401 BadJwtLexiconMethod'],
    ['for no method', await forged({ lxm: undefined }), '400 InvalidToken'],
    ['expired', await forged({ exp: soon(-60) }), '401 JwtExpired'],
    ['for ten minutes', await granted({ exp: soon(600) }), '401 JwtTooLong'],
    ['without an end', await forged({ exp: undefined }), '401 BadJwt'],
    ['with an end in words', await forged({ exp: 'tomorrow' }), '401 BadJwt'],
    ['without an id', await forged({ jti: undefined }), '401 BadJwtId'],
    ['with an empty id', await forged({ jti: '' }), '401 BadJwtId'],
    ['with an id no database holds', await forged({ jti: 'a\0b' }), '401 BadJwtId'],
    ['with an endless id', await forged({ jti: 'a'.repeat(257) }), '401 BadJwtId'],
    ['of a service of Ben’s', await forged({ iss: `${ben.did}#feed` }), '401 BadJwtIssuer'],
    ['of nobody', await forgeToken(stranger, from(nobody)), '401 BadJwtIssuer'],
    ['of no known method', await forgeToken(stranger, from('did:key:abc')), '401 BadJwtIssuer'],
    ['in another’s name', await forged({ iss: ada.did }), '401 BadJwtSignature'],
    ['signed by a stranger', await forgeToken(stranger, from(ben.did)), '401 BadJwtSignature'],
    ['changed later', withClaim(await forged(), { jti: 'another' }), '401 BadJwtSignature'],
    ['with a high s', withHighS(await forged()), '401 BadJwtSignature'],
    ['by another curve’s name', await forged({}, { alg: 'ES256' }), '401 BadJwtSignature'],
    ['unsigned', await forged({}, { alg: 'none' }), '401 BadJwtAlgorithm'],
    ['that is no token', `a.${Buffer.from('{"lxm":1}').toString('base64url')}.c`, '401 BadJwt'],
  ]
  for (const [what, token, refusal] of cases)
    expect(`${what}: ${await join(token)}`).toBe(`${what}: ${refusal}`)
  expect(await keptOfBen()).toBe(0)
  expect((await garage.stats()).memberCount).toBe(1)
})

test('an issuer who cannot be asked for his key is an outage, not a refusal', async () => {
  const gone = `did:web:localhost%3A${await freePort()}`
  const token = await forgeToken(await Secp256k1Keypair.create(), from(gone))
  expect(await join(token)).toBe('502 IdentityUnavailable')
})

test('a right token works once, and then never again', async () => {
  const token = await granted()
  expect(await join(token)).toBe('joined')
  expect((await garage.stats()).memberCount).toBe(2)
  expect(await join(token)).toBe('401 JwtReplayed')
})

test('of a token sent several times at once, one request goes through', async () => {
  const token = await forged()
  const answers = await Promise.all(Array.from({ length: 5 }, () => join(token)))
  expect(answers.toSorted()).toEqual([...Array<string>(4).fill('401 JwtReplayed'), 'joined'])
})

test('a token may name our service as well as our node', async () => {
  expect(await join(await forged({ aud: node.service }))).toBe('joined')
})

test('what is sent to another service is that service’s to answer, never ours', async () => {
  await using other = await startService()
  const params = { space: garage.did }
  expect(await ada.get(LIST, params, { proxy: other.service })).toEqual({ answeredBy: 'another' })
  expect(other.asked[0]).toMatch(/^Bearer ey/)
  for (const proxy of ['did:web:nowhere.invalid#angelos_appview', `${ben.did}#angelos_appview`]) {
    const failed = await ada.get(LIST, params, { proxy }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(CallError)
  }
  const headers = { 'atproto-proxy': other.service }
  const anonymous = await ask(`${node.url}/xrpc/${LIST}?space=${garage.did}`, { headers })
  expect([anonymous.status, anonymous.body['items']]).toEqual([401, undefined])
})

/** A service of somebody else's with a DID of its own, answering everything alike. */
async function startService() {
  const asked: (string | undefined)[] = []
  const port = await freePort()
  const did = `did:web:localhost%3A${port}`
  const service = { id: '#angelos_appview', type: 'AngelosAppView' }
  const serviceEndpoint = `http://localhost:${port}`
  const document = { id: did, service: [{ ...service, serviceEndpoint }] }
  const server = createServer((incoming, response) => {
    const isDocument = incoming.url === '/.well-known/did.json'
    if (!isDocument) asked.push(incoming.headers.authorization)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(isDocument ? document : { answeredBy: 'another' }))
  }).listen(port)
  return {
    service: `${did}#angelos_appview`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
