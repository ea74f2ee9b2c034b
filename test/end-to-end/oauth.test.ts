import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../browser.ts'
import { createDpopKey } from '../dpop.ts'
import { type Garage, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { OAuthClient, approveInBrowser } from '../oauth-client.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const password = 'a-long-password'

let network: Awaited<ReturnType<typeof startNetwork>>
let node: TestNode
let ada: Person
let garage: Garage
let reader: OAuthClient
let writer: OAuthClient

beforeAll(async () => {
  network = await startNetwork()
  node = network.nodes[0]!
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  garage = await foundGarage(node.url, ada)
  const aud = encodeURIComponent(node.service)
  const methods = ['listSpaces', 'sendMessage', 'deleteMessage', 'addReaction']
  const rpc = `rpc?${methods.map((name) => `lxm=${SPACES}.${name}`).join('&')}&aud=${aud}`
  reader = await logIn(`atproto ${rpc}`)
  writer = await logIn(`atproto ${rpc} repo:${SPACES}.message?action=create`)
})
afterAll(() => network?.[Symbol.asyncDispose]())

async function logIn(scope: string): Promise<OAuthClient> {
  const client = await OAuthClient.of(node.url, scope)
  await client.logIn((page) => approveInBrowser(page, { handle: ada.handle, password }))
  return client
}

const at = (method: string) => `${node.url}/xrpc/${SPACES}.${method}`
const mine = () => `${at('listSpaces')}?filter=mine`
const send = (client: OAuthClient, text: string) =>
  client.call(at('sendMessage'), { method: 'POST', body: { space: garage.did, text } })

test('a client that logged in with scopes for our methods calls them as its user', async () => {
  expect(reader.tokens).toMatchObject({ sub: ada.did, token_type: 'DPoP', scope: reader.scope })
  const { status, body } = await reader.call(mine())
  expect(status).toBe(200)
  expect(body['items']).toMatchObject([{ did: garage.did }])
  const headers = { 'atproto-proxy': node.service }
  expect((await reader.call(mine(), { headers })).body).toEqual(body)
})

test('a method outside the granted scopes is refused with the scope that is missing', async () => {
  const { status, body } = await reader.call(`${at('listMessages')}?space=${garage.did}`)
  expect([status, body['error']]).toEqual([403, 'ScopeMissingError'])
  expect(body['message']).toContain(`rpc:${SPACES}.listMessages?aud=`)
})

test('writing through a method needs the scope for the record too, not only for the method', async () => {
  const refused = await send(reader, 'Not mine to say')
  expect([refused.status, refused.body['error']]).toEqual([403, 'ScopeMissingError'])
  expect(refused.body['message']).toContain(`repo:${SPACES}.message`)
  expect(await garage.messages()).toEqual([])
  const sent = await send(writer, 'Said by a client')
  expect(sent.status).toBe(200)
  expect(await garage.messages()).toMatchObject([
    { uri: sent.body['uri'], text: 'Said by a client', author: { did: ada.did } },
  ])
})

test('a scope to create one kind of record is not good for another, nor to delete', async () => {
  const { uri, cid } = (await garage.messages())[0]!
  const reaction = { space: garage.did, subject: { uri, cid }, emoji: '🔧' }
  for (const [method, body, scope] of [
    ['addReaction', reaction, `repo:${SPACES}.reaction`],
    ['deleteMessage', { uri }, `repo:${SPACES}.message?action=delete`],
  ] as const) {
    const refused = await writer.call(at(method), { method: 'POST', body })
    expect([refused.status, refused.body['error']]).toEqual([403, 'ScopeMissingError'])
    expect(refused.body['message']).toContain(scope)
  }
  expect(await garage.messages()).toMatchObject([{ uri, reactions: [] }])
})

test('a proof that was used is not good a second time', async () => {
  await reader.call(mine())
  const headers = reader.headers(mine())
  expect((await ask(mine(), { headers })).status).toBe(200)
  const again = await ask(mine(), { headers })
  expect([again.status, again.body['message']]).toEqual([401, 'DPoP proof replayed'])
  expect(again.headers['www-authenticate']).toMatch(/^DPoP /)
})

test('a token without a proof, or with somebody else’s, is refused', async () => {
  const token = reader.tokens!.access_token
  await reader.call(mine())
  const { authorization, dpop } = reader.headers(mine())
  const nonce = JSON.parse(Buffer.from(dpop!.split('.')[1]!, 'base64url').toString())
    .nonce as string
  const foreign = createDpopKey().prove({ method: 'GET', url: mine(), nonce, token })
  for (const [headers, refusal] of [
    [{ authorization: authorization! }, '401 invalid_dpop_proof'],
    [{ authorization: `Bearer ${token}` }, '400 InvalidToken'],
    [{ authorization: `Bearer ${token}`, dpop: dpop! }, '400 InvalidToken'],
    [{ authorization: authorization!, dpop: foreign }, '401 invalid_token'],
  ] as const) {
    const { status, body } = await ask(mine(), { headers })
    expect(`${status} ${String(body['error'])}`).toBe(refusal)
    expect(body['items']).toBeUndefined()
  }
})

test('a proof is bound to its method and address', async () => {
  await reader.call(mine())
  const other = reader.headers(`${at('listMessages')}`)
  expect((await ask(mine(), { headers: other })).status).toBe(401)
  const post = reader.headers(mine(), 'POST')
  expect((await ask(mine(), { headers: post })).status).toBe(401)
})

test('a browser may read the nonce and the challenge it has to answer', async () => {
  const answer = await ask(mine(), {
    headers: { authorization: `DPoP ${reader.tokens!.access_token}`, dpop: 'nonsense' },
  })
  expect(answer.status).toBe(401)
  expect(answer.headers['dpop-nonce']).toBeTypeOf('string')
  const exposed = String(answer.headers['access-control-expose-headers']).toLowerCase()
  expect(exposed).toContain('dpop-nonce')
  expect(exposed).toContain('www-authenticate')
})

test('a refreshed session goes on, and the refresh token it used is worth nothing', async () => {
  const client = await logIn(`${reader.scope} repo:${SPACES}.message`)
  const before = client.tokens!
  const after = await client.refresh()
  expect(after.access_token).not.toBe(before.access_token)
  expect(after).toMatchObject({ sub: ada.did, scope: client.scope })
  expect((await client.call(mine())).status).toBe(200)
  expect((await send(client, 'Still here')).status).toBe(200)
  client.tokens = before
  await expect(client.refresh()).rejects.toThrow('invalid_grant')
})

test('a code is not exchanged without the verifier that its request was pushed with', async () => {
  const client = await OAuthClient.of(node.url, 'atproto')
  const genuine = client.send.bind(client)
  client.send = (url, form) =>
    genuine(url, 'code_verifier' in form ? { ...form, code_verifier: 'x'.repeat(43) } : form)
  const attempt = client.logIn((page) => approveInBrowser(page, { handle: ada.handle, password }))
  await expect(attempt).rejects.toThrow('invalid_grant')
})
