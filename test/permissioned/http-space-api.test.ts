import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { encode } from '@atproto/lex-cbor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { createOutbound } from '../../src/outbound/fetch.ts'
import { cidOfBlock, cidText } from '../../src/permissioned/cid-bytes.ts'
import { commitToJson } from '../../src/permissioned/commit-json.ts'
import { signCommit } from '../../src/permissioned/commit.ts'
import { createSpaceApi } from '../../src/permissioned/http-space-api.ts'
import { checkUse, signUse } from '../../src/permissioned/http-signature.ts'
import { SetHash } from '../../src/permissioned/set-hash.ts'

const SPACE = 'at://did:plc:a/space/com.example.group/main'
const DID = 'did:plc:anna'
const REV = '3kbcq3p7ad422'
const HASH = Buffer.from(new SetHash().digest())
const RECORD = { $type: 'com.example.note', text: 'hello', tags: ['a'], size: 3 }
const CID = cidText(cidOfBlock(encode(RECORD)))

type Answer = (request: IncomingMessage, response: ServerResponse) => void
let answer: Answer = () => undefined
const asked: {
  method: string
  url: URL
  headers: IncomingMessage['headersDistinct']
  body: string
}[] = []
const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const url = new URL(request.url!, 'http://localhost')
    const body = Buffer.concat(parts).toString()
    asked.push({ method: request.method!, url, headers: request.headersDistinct, body })
    answer(request, response)
  })
})
let service = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  service = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const outbound = createOutbound({ development: true })
const api = createSpaceApi({
  outbound,
  limits: { jsonBytes: 5_000, jsonMs: 500, repoBytes: 1_000 },
})
const signer = p256Signer()
const headers = signUse({ credential: 'a.b.c', audience: DID, signer })
const door = () => ({ service, space: SPACE, headers, signal: AbortSignal.timeout(20_000) })

const json = (value: unknown, status = 200) => {
  answer = (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
}
const listed = { did: DID, repoRev: REV, hash: { $bytes: HASH.toString('base64') }, spaceRev: REV }
const op = { rev: REV, collection: 'com.example.note', rkey: 'a', cid: CID, prev: null }

test('a list is asked for from a cursor on, signed, and read', async () => {
  json({ repos: [listed], cursor: 'next' })
  const page = await api.listRepos(door(), 'c/1')
  expect(page).toEqual({
    ok: true,
    repos: [{ did: DID, repoRev: REV, hash: HASH, spaceRev: REV }],
    cursor: 'next',
  })
  const { url, headers: sent } = asked.at(-1)!
  expect(url.pathname).toBe('/xrpc/com.atproto.space.listRepos')
  expect(url.searchParams.get('space')).toBe(SPACE)
  expect(url.searchParams.get('cursor')).toBe('c/1')
  expect(checkUse(sent, { audience: DID, key: signer.didKey })).toBeUndefined()
  json({ repos: [] })
  expect(await api.listRepos(door(), null)).toEqual({ ok: true, repos: [] })
  expect(asked.at(-1)!.url.searchParams.has('cursor')).toBe(false)
})

test.each([
  ['no list', {}],
  ['a repo without a DID', { repos: [{ ...listed, did: 'anna' }] }],
  ['a revision that is none', { repos: [{ ...listed, repoRev: '1' }] }],
  ['a hash that is too short', { repos: [{ ...listed, hash: { $bytes: 'AAAA' } }] }],
  ['a cursor that cannot be stored', { repos: [listed], cursor: '\0' }],
  ['a cursor that is too long', { repos: [listed], cursor: 'x'.repeat(2_000) }],
  ['more than was asked for', { repos: Array.from({ length: 501 }, () => 0) }],
])('a list with %s is no list', async (_, page) => {
  json(page)
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'NotJson' })
})

test('a log is read with the records as the blocks they are', async () => {
  const author = signerFromPrivateKey(Buffer.alloc(32, 7))
  const sign = async (bytes: Uint8Array) => author.sign(bytes)
  const commit = await signCommit({ space: SPACE, author: DID, rev: REV, hash: HASH, sign })
  json({
    ops: [
      { ...op, value: RECORD },
      { ...op, cid: null, prev: CID },
    ],
    commit: commitToJson(commit),
  })
  const page = await api.repoOps(door(), { repo: DID, since: REV })
  if (!page.ok) throw new Error(page.name)
  expect(page.ops[0]).toEqual({ ...op, bytes: Uint8Array.from(encode(RECORD)) })
  expect(page.ops[1]).toEqual({ ...op, cid: null, prev: CID })
  expect(page.commit?.sig).toHaveLength(64)
  const { searchParams } = asked.at(-1)!.url
  expect(Object.fromEntries(searchParams)).toMatchObject({ space: SPACE, repo: DID, since: REV })
})

test('a value that is not the one its CID names is none', async () => {
  const deep = JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) as unknown
  for (const value of [{ ...RECORD, text: 'other' }, 'text', null, [RECORD], { deep }]) {
    json({ ops: [{ ...op, value }], cursor: 'more' })
    expect(await api.repoOps(door(), { repo: DID, since: REV })).toEqual({
      ok: true,
      ops: [op],
      cursor: 'more',
    })
  }
})

test.each([
  ['rev', '1'],
  ['collection', 'note'],
  ['rkey', 'a/b'],
  ['rkey', '..'],
  ['cid', 'bafy'],
  ['prev', 5],
])('an operation whose %s is %s is none', async (name, value) => {
  json({ ops: [{ ...op, [name]: value }] })
  const page = api.repoOps(door(), { repo: DID, since: REV })
  await expect(page).rejects.toMatchObject({ reason: 'NotJson' })
})

test('a credential and a registration are asked for with what they are for', async () => {
  json({ credential: 'aaa.bbb.ccc' })
  expect(await api.credential(door())).toEqual({ ok: true, credential: 'aaa.bbb.ccc' })
  expect(asked.at(-1)).toMatchObject({ method: 'POST', body: JSON.stringify({ space: SPACE }) })
  json({ credential: 'with a\nline' })
  await expect(api.credential(door())).rejects.toMatchObject({ reason: 'NotJson' })
  json({ expiresAt: '2026-10-11T10:00:00.000Z' })
  const until = new Date('2026-10-11T10:00:00Z')
  expect(await api.registerNotify(door(), 'did:web:x#y')).toEqual({ ok: true, until })
  expect(JSON.parse(asked.at(-1)!.body)).toEqual({ space: SPACE, service: 'did:web:x#y' })
})

test('a refusal is told by its name; a host in trouble is asked again later', async () => {
  json({ error: 'CredentialRevoked', message: 'gone' }, 401)
  expect(await api.repo(door(), DID)).toEqual({ ok: false, name: 'CredentialRevoked' })
  expect(await api.listRepos(door(), null)).toEqual({ ok: false, name: 'CredentialRevoked' })
  for (const status of [429, 500, 503]) {
    json({ error: 'UserNotAuthorized' }, status)
    await expect(api.credential(door())).rejects.toMatchObject({ reason: 'Unreachable' })
  }
  answer = (_, response) => void response.writeHead(404).end('<html>')
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'Unreachable' })
})

test('what is too large, too slow, broken off or elsewhere is no answer', async () => {
  json({ repos: [], more: 'x'.repeat(6_000) })
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'TooLarge' })
  answer = () => undefined
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'Unreachable' })
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"repos"')
    setTimeout(() => response.destroy(), 10)
  }
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'Unreachable' })
  answer = (_, response) => void response.writeHead(302, { location: '/elsewhere' }).end()
  await expect(api.listRepos(door(), null)).rejects.toMatchObject({ reason: 'Unreachable' })
  const strict = createSpaceApi({ outbound: createOutbound({ development: false }) })
  await expect(strict.listRepos(door(), null)).rejects.toMatchObject({ reason: 'ForbiddenUrl' })
})

test('a repo comes in pieces, and no more of it than the limit', async () => {
  answer = (_, response) => void response.end(Buffer.alloc(900, 1))
  expect(await sizeOf(await api.repo(door(), DID))).toBe(900)
  answer = (_, response) => void response.end(Buffer.alloc(5_000, 1))
  await expect(api.repo(door(), DID).then(sizeOf)).rejects.toMatchObject({ reason: 'TooLarge' })
})

async function sizeOf(repo: Awaited<ReturnType<typeof api.repo>>): Promise<number> {
  if (!repo.ok) throw new Error(repo.name)
  let size = 0
  for await (const piece of repo.body) size += piece.length
  return size
}
