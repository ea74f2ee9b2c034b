import { expect, test } from 'vitest'
import { OutboundError } from '../outbound/outbound-error.ts'
import { createHostApi } from './http-host-api.ts'

const HOST = 'https://host.example.net'
const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const REV = '3lw4qc3hq7c2z'

/** An API whose host gives one answer to whatever it is asked, and what it was asked. */
function answering(body: unknown, status = 200) {
  const asked: URL[] = []
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const limits = { jsonBytes: 10_000, repoBytes: 10_000 }
  const outbound = async (url: string | URL) => {
    asked.push(new URL(url))
    return new Response(text, { status })
  }
  return { api: createHostApi({ outbound, limits }), asked }
}

test('a list is asked for by its cursor, and what is no repo in it is left out', async () => {
  const repos = [
    { did: DID, head: 'bafy', rev: REV, active: true },
    { did: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb', rev: REV, active: false, status: 'deactivated' },
    { did: 'did:plc:cccccccccccccccccccccccc', rev: REV },
    { did: 'nobody', rev: REV, active: true },
    { did: DID, rev: 5 },
    { did: DID, rev: REV, active: 'yes' },
    'noise',
    null,
  ]
  const { api, asked } = answering({ repos, cursor: 'c2' })
  expect(await api.listRepos(HOST, 'c1&x=1')).toEqual({
    cursor: 'c2',
    items: [
      { did: DID, rev: REV, active: true },
      { did: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb', rev: REV, active: false, status: 'deactivated' },
      { did: 'did:plc:cccccccccccccccccccccccc', rev: REV, active: true },
    ],
  })
  expect(asked[0]?.searchParams.get('cursor')).toBe('c1&x=1')
  expect(asked[0]?.pathname).toBe('/xrpc/com.atproto.sync.listRepos')
})

test.each([
  ['no JSON', '<html>', 200],
  ['no object', [], 200],
  ['no list', { repos: 'x' }, 200],
  ['too long', { repos: [], padding: 'x'.repeat(20_000) }, 200],
  ['too many', { repos: Array.from({ length: 10_001 }, () => 0) }, 200],
  ['an error', { error: 'RateLimitExceeded' }, 429],
])('an answer that is %s is thrown, so that it is asked for again', async (_, body, status) => {
  const outbound = async () =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
  const limits = { jsonBytes: _ === 'too many' ? 1_000_000 : 10_000 }
  const api = createHostApi({ outbound, limits })
  await expect(api.listRepos(HOST, undefined)).rejects.toThrow(OutboundError)
})

test('a last page has no cursor, however a host spells that', async () => {
  for (const end of [{}, { cursor: '' }, { cursor: null }, { cursor: 7 }])
    expect(await answering({ repos: [], ...end }).api.listRepos(HOST, undefined)).toEqual({
      items: [],
    })
})

test('why a repo is not served is told by name, and an outage is thrown', async () => {
  for (const name of ['RepoNotFound', 'RepoTakendown', 'RepoSuspended', 'RepoDeactivated'])
    expect(await answering({ error: name }, 400).api.repo(HOST, DID)).toMatchObject({
      ok: false,
      reason: name,
    })
  for (const [body, status] of [
    [{ error: 'InternalServerError' }, 500],
    ['', 404],
    [{ error: 'RateLimitExceeded' }, 429],
  ] as const)
    await expect(answering(body, status).api.repo(HOST, DID)).rejects.toThrow(OutboundError)
})

test('a repo is read in pieces and not beyond its limit', async () => {
  const read = async (body: string) => {
    const answer = await answering(body).api.repo(HOST, DID)
    if (!answer.ok) throw new Error(answer.detail)
    let size = 0
    for await (const piece of answer.body) size += piece.length
    return size
  }
  expect(await read('x'.repeat(10_000))).toBe(10_000)
  await expect(read('x'.repeat(10_001))).rejects.toThrow(OutboundError)
})

test('a host that says it has no such repo is believed, one that does not know is asked again', async () => {
  const { api } = answering({ error: 'RepoNotFound' }, 400)
  expect(await api.repoStatus(HOST, DID)).toBeUndefined()
  await expect(answering({}, 501).api.repoStatus(HOST, DID)).rejects.toThrow(OutboundError)
  await expect(answering({ did: DID }).api.repoStatus(HOST, DID)).rejects.toThrow(OutboundError)
  const full = { did: DID, active: false, status: 'deactivated' }
  expect(await answering(full).api.repoStatus(HOST, DID)).toEqual({
    active: false,
    status: 'deactivated',
  })
})

test('hosts and collections are listed as origins and DIDs', async () => {
  const hosts = [{ hostname: 'a.example.net' }, { hostname: 'b.example.net:99' }, { hostname: '' }]
  expect(await answering({ hosts }).api.listHosts(HOST, undefined)).toEqual({
    items: ['https://a.example.net', 'https://b.example.net:99'],
  })
  const repos = [{ did: DID }, { did: 'x' }]
  const { api, asked } = answering({ repos })
  expect(await api.listReposByCollection(HOST, 'co.kendev.test.note', undefined)).toEqual({
    items: [DID],
  })
  expect(asked[0]?.searchParams.get('collection')).toBe('co.kendev.test.note')
})
