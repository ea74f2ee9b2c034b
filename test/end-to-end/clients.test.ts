import { readFileSync, readdirSync } from 'node:fs'
import { encode } from '@atcute/cbor'
import { CODEC_DCBOR, create, toString } from '@atcute/cid'
import { Client, type FetchHandler, ok, simpleFetchHandler } from '@atcute/client'
import { AtpAgent } from '@atproto/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Garage, type Items, type Said } from '../garage.ts'
import { foundGarage, joinFrom, messageIn, sayFrom } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const MESSAGE = 'co.kendev.spaces.message'
const LIST = 'co.kendev.spaces.listMessages'
const password = 'a-long-password'

type Listed = { records: { uri: string; cid: string; value: Record<string, unknown> }[] }
type Proxy = `did:web:${string}#angelos_appview`
type AnyClient = Client<Record<string, unknown>, Record<string, unknown>>

let network: Awaited<ReturnType<typeof startNetwork>>
let a: TestNode
let b: TestNode
let ada: Person
let ben: Person
let garage: Garage
let agents: { ada: AtpAgent; ben: AtpAgent; proxied: AtpAgent }
let clients: { ben: AnyClient; proxied: AnyClient }

beforeAll(async () => {
  network = await startNetwork(2)
  ;[a, b] = network.nodes as [TestNode, TestNode]
  ada = await createPerson(a.url, `ada${a.handleDomain}`)
  ben = await createPerson(b.url, `ben${b.handleDomain}`)
  garage = await foundGarage(a.url, ada)
  await joinFrom(ben, a.service, garage.did)
  const file = await ben.upload(Buffer.from('%PDF-1.4 a bill'), 'application/pdf')
  await sayFrom(ben, a.service, messageIn(garage, 'Is the lift free? 🚗'))
  await ada.call('co.kendev.spaces.sendMessage', { space: garage.did, text: 'On Friday.' })
  const bill = { attachments: [{ file, filename: 'bill.pdf' }] }
  await sayFrom(ben, a.service, messageIn(garage, 'Then here is the bill.', bill))
  const agent = await agentOf(b.url, ben)
  const proxied = withOurLexicons(agent.withProxy('angelos_appview', a.did) as AtpAgent)
  agents = { ada: await agentOf(a.url, ada), ben: agent, proxied }
  const client = await clientOf(b.url, ben)
  clients = { ben: client, proxied: client.clone({ proxy: a.service as Proxy }) }
})
afterAll(() => network?.[Symbol.asyncDispose]())

/** A client of `@atproto/api`, with our lexicons: it checks what we answer against them. */
async function agentOf(origin: string, who: Person): Promise<AtpAgent> {
  const agent = new AtpAgent({ service: origin })
  await agent.login({ identifier: who.handle, password })
  return agent
}

function withOurLexicons(agent: AtpAgent): AtpAgent {
  for (const area of readdirSync('lexicons')) {
    for (const file of readdirSync(`lexicons/${area}`)) {
      if (!file.endsWith('.json')) continue
      const document: unknown = JSON.parse(readFileSync(`lexicons/${area}/${file}`, 'utf8'))
      const lexicon = document as Parameters<AtpAgent['lex']['add']>[0]
      if (!agent.lex.get(lexicon.id)) agent.lex.add(lexicon)
    }
  }
  return agent
}

/** A client of `@atcute/client`, logged in as its own credential handlers do it. */
async function clientOf(origin: string, who: Person): Promise<AnyClient> {
  const anonymous = simpleFetchHandler({ service: origin })
  const session = await ok(
    (new Client({ handler: anonymous }) as AnyClient).post('com.atproto.server.createSession', {
      as: 'json',
      input: { identifier: who.handle, password },
    }),
  )
  const { accessJwt } = session as { accessJwt: string }
  const handler: FetchHandler = (path, init) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${accessJwt}`)
    return anonymous(path, { ...init, headers })
  }
  return new Client({ handler })
}

test('the records of a repo are the same to both clients, in the same order', async () => {
  const params = { repo: ben.did, collection: MESSAGE }
  const byAgent = await agents.ben.com.atproto.repo.listRecords(params)
  const byClient = await ok(clients.ben.get('com.atproto.repo.listRecords', { as: 'json', params }))
  const { records } = byClient as Listed
  expect(records.map(({ uri, cid }) => ({ uri, cid }))).toEqual(
    byAgent.data.records.map(({ uri, cid }) => ({ uri, cid })),
  )
  expect(records.map(({ value }) => value['text'])).toEqual([
    'Then here is the bill.',
    'Is the lift free? 🚗',
  ])
})

test('the CIDs are those of the records, as somebody else’s encoder makes them', async () => {
  const params = { repo: ben.did, collection: MESSAGE }
  const answer = await ok(clients.ben.get('com.atproto.repo.listRecords', { as: 'json', params }))
  for (const { cid, value } of (answer as Listed).records)
    expect(toString(await create(CODEC_DCBOR, encode(value)))).toBe(cid)
})

test('both clients read a space of another node through their own PDS alike', async () => {
  const params = { space: garage.did }
  const byAgent = await agents.proxied.call(LIST, params)
  const byClient = await ok(clients.proxied.get(LIST, { as: 'json', params }))
  const { items } = byAgent.data as Items<Said>
  expect(items.map(({ text, author }) => [text, author.handle])).toEqual([
    ['Then here is the bill.', ben.handle],
    ['On Friday.', ada.handle],
    ['Is the lift free? 🚗', ben.handle],
  ])
  const found = (byClient as Items<Said>).items
  expect(found.map(({ uri, cid }) => [uri, cid])).toEqual(items.map(({ uri, cid }) => [uri, cid]))
  expect(found).toEqual(await garage.messages())
})

test('views name the CIDs that the authors’ own PDSes name', async () => {
  const cidOf = new Map((await garage.messages()).map(({ uri, cid }) => [uri, cid]))
  for (const [agent, who] of [
    [agents.ada, ada],
    [agents.ben, ben],
  ] as const) {
    const { data } = await agent.com.atproto.repo.listRecords({
      repo: who.did,
      collection: MESSAGE,
    })
    expect(data.records.length).toBeGreaterThan(0)
    for (const { uri, cid } of data.records) expect(cidOf.get(uri)).toBe(cid)
  }
})

test('what our methods answer is as their lexicons say, which the agent checks', async () => {
  const agent = withOurLexicons(agents.ada)
  const { data } = await agent.call('co.kendev.spaces.listSpaces', { filter: 'mine' })
  expect((data as Items<{ did: string }>).items.map(({ did }) => did)).toEqual([garage.did])
  const thread = (await garage.messages()).at(-1)!.uri
  for (const [method, params] of [
    ['getSpace', { space: garage.did }],
    ['listChannels', { space: garage.did }],
    ['listMemberships', { space: garage.did }],
    ['searchMessages', { space: garage.did, q: 'friday' }],
    ['getThread', { uri: thread }],
    ['getMessage', { uri: thread }],
  ] as const)
    await expect(agent.call(`co.kendev.spaces.${method}`, params)).resolves.toHaveProperty('data')
})

test('a client without credentials reads what is public', async () => {
  const client = new Client({ handler: simpleFetchHandler({ service: a.url }) }) as AnyClient
  const params = { space: garage.did, limit: 2 }
  const page = (await ok(client.get(LIST, { as: 'json', params }))) as Items<Said>
  const rest = (await ok(
    client.get(LIST, { as: 'json', params: { ...params, cursor: page.cursor } }),
  )) as Items<Said>
  expect([...page.items, ...rest.items]).toEqual(await garage.messages())
})

test('errors reach both clients by the name the lexicon declares', async () => {
  const params = { space: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
  const failed = agents.proxied.call('co.kendev.spaces.getSpace', params)
  await expect(failed).rejects.toMatchObject({ status: 400, error: 'NotFound' })
  const answer = await clients.proxied.get('co.kendev.spaces.getSpace', { as: 'json', params })
  expect(answer).toMatchObject({ ok: false, status: 400, data: { error: 'NotFound' } })
})
