import { adminAuthorization, freshHandle } from './pds.ts'

export type Account = { did: string; handle: string; accessJwt: string }
export type Created = { uri: string; cid: string; commit: { cid: string; rev: string } }

export const MESSAGE = 'co.kendev.spaces.message'

/** An answer that was no 200, with the error's name. */
export class Answer extends Error {
  readonly status: number
  readonly error: string
  constructor(status: number, body: string) {
    super(`${status} ${body.slice(0, 300)}`)
    this.status = status
    this.error = body.match(/"error":"(\w+)"/)?.[1] ?? ''
  }
}

/** Calls a procedure; returns the JSON of its answer as T, throws an `Answer` if it refuses. */
export async function post<T>(
  origin: string,
  nsid: string,
  body: object | Uint8Array<ArrayBuffer> | undefined,
  options: { token?: string; admin?: boolean; type?: string } = {},
): Promise<T> {
  const raw = body instanceof Uint8Array
  const response = await fetch(`${origin}/xrpc/${nsid}`, {
    method: 'POST',
    headers: {
      ...(body && { 'content-type': options.type ?? 'application/json' }),
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...(options.admin === true && { authorization: adminAuthorization }),
    },
    ...(body && { body: raw ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Answer(response.status, text)
  return (text ? JSON.parse(text) : {}) as T
}

/** Calls a query; returns the JSON of its answer as T, throws an `Answer` if it refuses. */
export async function get<T>(origin: string, nsid: string, params: object = {}): Promise<T> {
  const query = new URLSearchParams({ ...params })
  const response = await fetch(`${origin}/xrpc/${nsid}?${query.toString()}`)
  const text = await response.text()
  if (!response.ok) throw new Answer(response.status, text)
  return JSON.parse(text) as T
}

/** The bytes of an account's repo as the host gives them out. */
export async function getCar(origin: string, did: string): Promise<Uint8Array> {
  const response = await fetch(`${origin}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  if (!response.ok) throw new Answer(response.status, await response.text())
  return new Uint8Array(await response.arrayBuffer())
}

/** A new account. */
export function createAccount(origin: string, more: object = {}, token?: string): Promise<Account> {
  const handle = freshHandle()
  return post(
    origin,
    'com.atproto.server.createAccount',
    { handle, email: `${handle}@example.com`, password: 'password-1', ...more },
    token === undefined ? {} : { token },
  )
}

/** Writes one message into the account's own repo. */
export function createMessage(
  origin: string,
  account: Account,
  text: string,
  more: object = {},
): Promise<Created> {
  const record = { $type: MESSAGE, text, createdAt: '2026-01-01T00:00:00.000Z' }
  const body = { repo: account.did, collection: MESSAGE, record, ...more }
  return post(origin, 'com.atproto.repo.createRecord', body, { token: account.accessJwt })
}
