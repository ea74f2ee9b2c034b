import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto'
import http from 'node:http'
import { formatDidKey, P256_JWT_ALG } from '@atproto/crypto'
import type { Person } from '../person.ts'

/** An application's key for one credential, made without any code of ours. */
export type AppKey = { did: string; sign: (text: string) => Buffer; privateKey: KeyObject }

export type Reply = {
  status: number
  headers: http.IncomingHttpHeaders
  bytes: Buffer
  body: Record<string, unknown>
}

/** Makes a P-256 key that signs raw r || s. */
export function createAppKey(): AppKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const [px, py] = [x, y].map((part) => Buffer.from(part, 'base64url'))
  const point = Buffer.concat([Buffer.from([py!.at(-1)! % 2 === 0 ? 2 : 3]), px!])
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return {
    did: formatDidKey(P256_JWT_ALG, point),
    sign: (text) => sign('sha256', Buffer.from(text), key),
    privateKey,
  }
}

/** The signature headers of an exchange: the delegation token, signed by the new key. */
export function exchangeHeaders(token: string, key: AppKey): Record<string, string> {
  const params = `("authorization");keyid="${key.did}"`
  const base = `"authorization": Bearer ${token}\n"@signature-params": ${params}`
  return {
    authorization: `Bearer ${token}`,
    'signature-input': `atproto-space=${params}`,
    signature: `atproto-space=:${key.sign(base).toString('base64')}:`,
  }
}

/** The headers of a use of a credential; `signature` signs otherwise, for those who lie. */
export function useHeaders(
  credential: string,
  audience: string,
  key: AppKey,
  signature: (base: string) => Buffer = key.sign,
): Record<string, string> {
  const params = '("authorization" "atproto-space-audience")'
  const base = [
    `"authorization": Atproto-Space ${credential}`,
    `"atproto-space-audience": ${audience}`,
    `"@signature-params": ${params}`,
  ].join('\n')
  return {
    authorization: `Atproto-Space ${credential}`,
    'atproto-space-audience': audience,
    'signature-input': `atproto-space=${params}`,
    signature: `atproto-space=:${signature(base).toString('base64')}:`,
  }
}

/** One request with exactly these headers; a pair list may repeat a name. */
export async function ask(
  origin: string,
  path: string,
  how: { headers?: Record<string, string> | [string, string][]; body?: unknown } = {},
): Promise<Reply> {
  const given = Array.isArray(how.headers) ? how.headers : Object.entries(how.headers ?? {})
  const body = how.body === undefined ? undefined : JSON.stringify(how.body)
  const url = new URL(`/xrpc/${path}`, origin)
  const lines = [['host', url.host], ...given]
  if (body) lines.push(['content-type', 'application/json'])
  if (body) lines.push(['content-length', String(Buffer.byteLength(body))])
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const options = { method: body ? 'POST' : 'GET', headers: lines.flat(), agent: false }
    const request = http.request(url, options, resolve)
    request.on('error', reject)
    request.end(body)
  })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  const parsed = isJson ? (JSON.parse(bytes.toString()) as Reply['body']) : {}
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, body: parsed }
}

/** An application that has got a credential of a space in somebody's name. */
export type SpaceReader = {
  credential: string
  key: AppKey
  /** Asks with the credential, addressed to `audience`. */
  get(path: string, audience: string): Promise<Reply>
  post(nsid: string, body: unknown, audience: string): Promise<Reply>
}

/** The whole way from the user's session to a credential; `who` lives at `home`, the space's
 *  authority at `host`. */
export async function readerOf(
  who: Person,
  at: { home: string; host: string; space: string },
): Promise<SpaceReader> {
  const key = createAppKey()
  const token = await delegationOf(who, at.space)
  const reply = await exchange(at.host, { token, key, space: at.space })
  if (reply.status !== 200) throw new Error(JSON.stringify(reply.body))
  const credential = String(reply.body['credential'])
  return {
    credential,
    key,
    get: (path, audience) => ask(at.home, path, { headers: useHeaders(credential, audience, key) }),
    post: (nsid, body, audience) =>
      ask(at.host, nsid, { headers: useHeaders(credential, audience, key), body }),
  }
}

export async function delegationOf(who: Person, space: string): Promise<string> {
  const { token } = await who.get<{ token: string }>('com.atproto.space.getDelegationToken', {
    space,
  })
  return token
}

export function exchange(
  host: string,
  { token, key, space }: { token: string; key: AppKey; space: string },
): Promise<Reply> {
  const headers = exchangeHeaders(token, key)
  return ask(host, 'com.atproto.space.getSpaceCredential', { headers, body: { space } })
}
