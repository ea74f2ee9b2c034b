import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, ask } from '../browser.ts'
import { startHostileHost } from '../firehose/hostile-host.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { createPerson } from '../person.ts'

const FEDERATION = 'co.kendev.federation'

const parts = new AsyncDisposableStack()
let node: TestNode
let password: string

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  password = (await readFile(`${node.dataDir}/keys/admin-password`, 'utf8')).trim()
})
afterAll(() => parts.disposeAsync())

/** Calls a method of the administrator's, with the password unless told otherwise. */
function call(method: string, body?: object, authorization = basic(`admin:${password}`)) {
  const url = `${node.url}/xrpc/${FEDERATION}.${method}`
  const headers = { authorization }
  return ask(url, body ? { method: 'POST', headers, body } : { headers })
}

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`
const itemsOf = ({ body }: Answer) => body['items'] as Record<string, unknown>[]

test('only the administrator sees and changes hosts', async () => {
  const person = await createPerson(node.url, `ada${node.handleDomain}`)
  const wrong = ['', basic('admin:wrong'), basic(`root:${password}`), `Bearer ${person.token}`]
  for (const authorization of wrong) {
    expect((await call('listHosts', undefined, authorization)).status).toBe(401)
    for (const method of ['addHost', 'banHost', 'unbanHost']) {
      const body = { host: 'https://other.example.net', reason: 'because' }
      expect((await call(method, body, authorization)).status).toBe(401)
    }
  }
  expect(itemsOf(await call('listHosts'))).toMatchObject([{ host: node.url, connected: true }])
})

test('a host is added, banned and forgiven, and its stream follows', async () => {
  await using host = await startHostileHost()
  const origin = host.origin.replace('ws:', 'http:')
  expect((await call('addHost', { host: `${origin}/some/path` })).body).toMatchObject({
    host: origin,
    kind: 'pds',
    namedBy: 'admin',
    whole: false,
  })
  await expect.poll(() => host.connected()).toBe(1)
  expect((await call('banHost', { host: origin, reason: 'spam' })).body).toMatchObject({
    banned: 'spam',
    connected: false,
  })
  await expect.poll(() => host.connected()).toBe(0)
  expect(await call('addHost', { host: origin })).toMatchObject({ body: { error: 'HostBanned' } })
  expect((await call('unbanHost', { host: origin })).body).not.toHaveProperty('banned')
  await expect.poll(() => host.connected()).toBe(1)
  expect(await call('unbanHost', { host: origin })).toMatchObject({ body: { error: 'NotFound' } })
})

test('what is no host is refused, and so is the node itself', async () => {
  for (const host of ['ftp://files.example.net', 'https:', node.url])
    expect((await call('addHost', { host })).status).toBe(400)
  expect(await call('banHost', { host: node.url, reason: 'x' })).toMatchObject({
    body: { error: 'InvalidHost' },
  })
})

test('the list comes in pages by name', async () => {
  for (const n of [1, 2, 3])
    await call('banHost', { host: `https://h${n}.example.net`, reason: 'never asked for' })
  const seen: string[] = []
  let cursor: string | undefined = ''
  for (let page = 0; cursor !== undefined && page < 9; page += 1) {
    const query = new URLSearchParams({ limit: '2', ...(cursor !== '' && { cursor }) })
    const answer = await call(`listHosts?${String(query)}`)
    seen.push(...itemsOf(answer).map(({ host }) => host as string))
    cursor = answer.body['cursor'] as string | undefined
  }
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => (a < b ? -1 : 1)))
  expect(seen).toContain('https://h3.example.net')
})
