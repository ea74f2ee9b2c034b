import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signerFromPrivateKey } from '../../crypto/ecdsa.ts'
import { p256Signer } from '../../crypto/p256.ts'
import {
  type HeaderLines,
  type SignedHeaders,
  checkExchange,
  checkUse,
  credentialOf,
  signExchange,
  signUse,
} from './http-signature.ts'
import { listText, parseDictionary } from './structured-field.ts'

const signer = p256Signer()
const audience = 'did:plc:z72i7hdynmk6r22z27h6tvur'
const by = { audience, key: signer.didKey }
const use = signUse({ credential: 'a.b.c', audience, signer })
const exchange = signExchange({ token: 'a.b.c', signer })
const WIDE = { length: 10_000, members: 100 }

test('a use holds for its credential, its audience and its key, again and again', () => {
  expect(checkUse(lines(use), by)).toBeUndefined()
  expect(checkUse(lines(use), by)).toBeUndefined()
  expect(credentialOf(lines(use))).toBe('a.b.c')
  expect(checkUse(lines(use), { ...by, audience: 'did:web:other' })).toBe('BadSpaceAudience')
  expect(checkUse(lines(use), { ...by, key: p256Signer().didKey })).toBe('BadSpaceSignature')
})

test('an exchange names the key that the credential is for', () => {
  expect(checkExchange(lines(exchange))).toEqual({ ok: true, token: 'a.b.c', key: signer.didKey })
  expect(checkExchange(lines(use)).ok).toBe(false)
  expect(checkUse(lines(exchange), by)).toBe('BadSpaceSignature')
})

test('only P-256 signs requests', () => {
  const k256 = signerFromPrivateKey(Buffer.alloc(32, 7))
  expect(() => signExchange({ token: 'a', signer: k256 })).toThrow(TypeError)
  expect(() => signUse({ credential: 'a', audience, signer: k256 })).toThrow(TypeError)
})

test('any single changed, missing or added character of a header is refused', () => {
  const holds = (headers: HeaderLines) =>
    headers[AUDIENCE] ? checkUse(headers, by) === undefined : checkExchange(headers).ok
  for (const signed of [use, exchange]) {
    expect(holds(lines(signed))).toBe(true)
    for (const [name, value] of Object.entries(signed)) {
      for (let at = 0; at < value.length; at += 1) {
        // The name of a scheme may be written in either case, but it is signed as it is written.
        for (const char of [
          'A',
          '"',
          ';',
          ',',
          '!',
          String.fromCharCode(value.charCodeAt(at) ^ 1),
        ]) {
          if (char === value[at]) continue
          const changed = value.slice(0, at) + char + value.slice(at + 1)
          expect(holds(lines({ ...signed, [name]: changed })), changed).toBe(false)
        }
        const cut = value.slice(0, at) + value.slice(at + 1)
        expect(holds(lines({ ...signed, [name]: cut })), cut).toBe(false)
        const added = `${value.slice(0, at)}z${value.slice(at)}`
        expect(holds(lines({ ...signed, [name]: added })), added).toBe(false)
      }
    }
  }
})

test('whatever headers come, nothing is thrown', () => {
  const chunk = fc.constantFrom(
    'atproto-space',
    '=',
    '(',
    ')',
    '"',
    ';',
    ',',
    ':',
    ' ',
    'a',
    '?',
    '1',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(chunk).map((all) => all.join('')),
  )
  const headers = fc.dictionary(
    fc.constantFrom(...Object.keys(use)),
    fc.array(text, { maxLength: 2 }),
  )
  fc.assert(
    fc.property(headers, (values) => {
      expect(checkUse({ ...lines(use), ...values }, by) === undefined).toBe(
        Object.keys(values).length === 0,
      )
      checkExchange(values)
    }),
    { numRuns: 500 },
  )
})

test('what a list is written as is read as the same list', () => {
  const bare = fc.oneof(
    fc.stringMatching(/^[ -~]*$/).map((value) => JSON.stringify(value)),
    fc.stringMatching(/^[a-z*][a-z0-9:/*]*$/),
    fc.integer().map(String),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => `:${Buffer.from(bytes).toString('base64')}:`),
    fc.constantFrom('?0', '1.5', '-0.125', '@17'),
  )
  const params = fc
    .dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/), bare, { maxKeys: 3 })
    .map((all) =>
      Object.entries(all)
        .map(([key, value]) => `;${key}=${value}`)
        .join(''),
    )
  const list = fc
    .array(fc.tuple(bare, params))
    .map((all) => `(${all.map((p) => p.join('')).join(' ')})`)
  fc.assert(
    fc.property(list, params, (items, more) => {
      const member = parseDictionary([`a=${items}${more}`], WIDE)?.get('a')
      expect(member && 'list' in member && listText(member)).toBe(items + more)
      const spaced = `a=${items.replaceAll(' ', '   ')}`
      if (!items.includes('"')) expect(textOfList(spaced)).toBe(items)
    }),
  )
})

test('a dictionary has limits, and no name in it comes twice', () => {
  expect(parseDictionary(['a=1', 'b=2, c'], WIDE)?.size).toBe(3)
  expect(parseDictionary(['a=1', 'b=2, c'], { length: 100, members: 2 })).toBeUndefined()
  expect(parseDictionary(['a=1', 'b=2, c'], { length: 10, members: 9 })).toBeUndefined()
  const bad = [
    'a, a',
    'a;b;b',
    'a,',
    ',a',
    'a b',
    'a=',
    'a=(1',
    'a=(1)2',
    'a=1.',
    'a=?2',
    'A',
    '=1',
  ]
  for (const line of bad) expect(parseDictionary([line], WIDE), line).toBeUndefined()
})

test('headers that came twice over HTTP are seen as two', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer((incoming, answer) => {
    seen.push(checkUse(incoming.headersDistinct, by))
    answer.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const all = Object.entries(use)
  for (const extra of [undefined, 'authorization', AUDIENCE, 'signature', 'signature-input']) {
    const headers = [...all, ...all.filter(([name]) => name === extra)].flat()
    const sent = request({ port, host: '127.0.0.1', headers: ['host', 'a', ...headers] }).end()
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
    await once(answer.resume(), 'end')
  }
  server.close()
  expect(seen).toEqual([undefined, ...Array.from({ length: 4 }, () => 'BadSpaceSignature')])
})

const AUDIENCE = 'atproto-space-audience'

function textOfList(line: string): string | undefined {
  const member = parseDictionary([line], WIDE)?.get('a')
  return member && 'list' in member ? listText(member) : undefined
}

function lines(headers: SignedHeaders): HeaderLines {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
}
