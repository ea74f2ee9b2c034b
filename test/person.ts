/** What an XRPC call answered when it was not what was asked for. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly status: number
  readonly error: string
  constructor(nsid: string, status: number, body: { error?: string; message?: string }) {
    super(`${nsid} answered ${status} ${body.error}: ${body.message}`)
    this.status = status
    this.error = body.error ?? ''
  }
}

type Options = { proxy?: string; headers?: Record<string, string> }
type Json = Record<string, unknown>

/** Somebody with an account on a PDS, and the requests they make. */
export type Person = {
  readonly did: string
  readonly handle: string
  readonly token: string
  get<T = Json>(nsid: string, params?: Record<string, unknown>, options?: Options): Promise<T>
  call<T = Json>(nsid: string, body?: Json, options?: Options): Promise<T>
  upload(bytes: Uint8Array, mimeType: string): Promise<Json>
  create(collection: string, record: Json, rkey?: string): Promise<{ uri: string; cid: string }>
  put(uri: string, record: Json): Promise<{ uri: string; cid: string }>
  remove(uri: string): Promise<void>
}

/** Everybody's. */
export const PASSWORD = 'a-long-password'

/** Makes an account on a node that asks for no invitation. */
export async function createPerson(origin: string, handle: string): Promise<Person> {
  const made = await send<{ did: string; accessJwt: string }>(
    origin,
    'com.atproto.server.createAccount',
    { method: 'POST', body: { handle, email: `${handle}@example.com`, password: PASSWORD } },
  )
  return person(origin, { did: made.did, handle, token: made.accessJwt })
}

/** Reads without an account. */
export function anybodyGet<T = Json>(
  origin: string,
  nsid: string,
  params: Record<string, unknown> = {},
): Promise<T> {
  return send<T>(origin, nsid, { params })
}

/** Somebody who has a session already. */
export function person(
  origin: string,
  who: { did: string; handle: string; token: string },
): Person {
  const auth = { authorization: `Bearer ${who.token}` }
  const place = (uri: string) => {
    const [repo, collection, rkey] = uri.slice('at://'.length).split('/')
    return { repo, collection, rkey }
  }
  const headersOf = (options: Options = {}) => ({
    ...auth,
    ...options.headers,
    ...(options.proxy ? { 'atproto-proxy': options.proxy } : {}),
  })
  const call = <T>(nsid: string, body?: Json, options?: Options) =>
    send<T>(origin, nsid, { method: 'POST', body, headers: headersOf(options) })
  return {
    ...who,
    call,
    get: (nsid, params = {}, options) =>
      send(origin, nsid, { params, headers: headersOf(options) }),
    upload: async (bytes, mimeType) => {
      const response = await fetch(`${origin}/xrpc/com.atproto.repo.uploadBlob`, {
        method: 'POST',
        headers: { ...auth, 'content-type': mimeType },
        body: Buffer.from(bytes),
      })
      return ((await response.json()) as { blob: Json }).blob
    },
    create: (collection, record, rkey) =>
      call('com.atproto.repo.createRecord', {
        repo: who.did,
        collection,
        ...(rkey === undefined ? {} : { rkey }),
        record: { $type: collection, ...record },
      }),
    put: (uri, record) => {
      const at = place(uri)
      return call('com.atproto.repo.putRecord', {
        ...at,
        record: { $type: at.collection, ...record },
      })
    },
    remove: async (uri) => void (await call('com.atproto.repo.deleteRecord', place(uri))),
  }
}

async function send<T>(
  origin: string,
  nsid: string,
  {
    params = {},
    method = 'GET',
    body,
    headers = {},
  }: {
    params?: Record<string, unknown>
    method?: 'GET' | 'POST'
    body?: Json
    headers?: Record<string, string>
  },
): Promise<T> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params))
    for (const one of [value].flat() as (string | number | boolean | undefined)[])
      if (one !== undefined) query.append(name, String(one))
  const response = await fetch(`${origin}/xrpc/${nsid}?${String(query)}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  })
  const text = await response.text()
  const answer = text === '' ? {} : (JSON.parse(text) as Json)
  if (!response.ok) throw new CallError(nsid, response.status, answer)
  return answer as T
}
