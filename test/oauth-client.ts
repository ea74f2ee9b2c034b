import { createHash, randomBytes } from 'node:crypto'
import { type Answer, type Asked, Browser, ask } from './browser.ts'
import { type DpopKey, createDpopKey } from './dpop.ts'

const REDIRECT_URI = 'http://127.0.0.1:8080/callback'
const API = '/@atproto/oauth-provider/~api'

type Metadata = {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  pushed_authorization_request_endpoint: string
}
export type Tokens = {
  access_token: string
  refresh_token: string
  token_type: string
  scope: string
  sub: string
}

/** An OAuth client of the kind that runs on somebody's own machine (atproto.com/specs/oauth), and
 *  what it may do after its user has logged in. */
export class OAuthClient {
  readonly key: DpopKey = createDpopKey()
  readonly scope: string
  readonly #metadata: Metadata
  readonly #nonces = new Map<string, string>()
  tokens: Tokens | undefined

  private constructor(metadata: Metadata, scope: string) {
    this.#metadata = metadata
    this.scope = scope
  }

  /** Finds the authorization server of a PDS. */
  static async of(pds: string, scope: string): Promise<OAuthClient> {
    const resource = await ask(`${pds}/.well-known/oauth-protected-resource`)
    const [issuer] = resource.body['authorization_servers'] as string[]
    const server = await ask(`${issuer}/.well-known/oauth-authorization-server`)
    return new OAuthClient(server.body as Metadata, scope)
  }

  get id(): string {
    const query = new URLSearchParams({ redirect_uri: REDIRECT_URI, scope: this.scope })
    return `http://localhost?${String(query)}`
  }

  /** The whole way from the pushed request to tokens; `approve` is what the user does. */
  async logIn(approve: (page: string) => Promise<URL>): Promise<Tokens> {
    const verifier = randomBytes(32).toString('base64url')
    const state = randomBytes(8).toString('hex')
    const pushed = await this.send(this.#metadata.pushed_authorization_request_endpoint, {
      client_id: this.id,
      response_type: 'code',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state,
      redirect_uri: REDIRECT_URI,
      scope: this.scope,
    })
    if (pushed.status !== 201) throw new Error(JSON.stringify(pushed.body))
    const query = new URLSearchParams({
      client_id: this.id,
      request_uri: String(pushed.body['request_uri']),
    })
    const back = await approve(`${this.#metadata.authorization_endpoint}?${String(query)}`)
    const answer = Object.fromEntries(back.searchParams)
    if (answer['state'] !== state || answer['iss'] !== this.#metadata.issuer || !answer['code'])
      throw new Error(`the login ended with ${back.href}`)
    return this.#take({
      grant_type: 'authorization_code',
      code: answer['code'],
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    })
  }

  refresh(): Promise<Tokens> {
    return this.#take({
      grant_type: 'refresh_token',
      refresh_token: this.tokens!.refresh_token,
    })
  }

  async #take(grant: Record<string, string>): Promise<Tokens> {
    const answer = await this.send(this.#metadata.token_endpoint, { client_id: this.id, ...grant })
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    return (this.tokens = answer.body as Tokens)
  }

  /** Sends a form to the authorization server, with a proof that bears the server's nonce. */
  async send(url: string, form: Record<string, string>): Promise<Answer> {
    return this.#proving(url, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
  }

  /** A call of an XRPC method with the access token and a proof. */
  call(url: string, asked: Asked = {}): Promise<Answer> {
    return this.#proving(url, asked, this.tokens!.access_token)
  }

  /** The headers of one call; sent twice, they are a replay. */
  headers(url: string, method: 'GET' | 'POST' = 'GET'): Record<string, string> {
    const token = this.tokens!.access_token
    const nonce = this.#nonces.get(new URL(url).origin)
    return { authorization: `DPoP ${token}`, dpop: this.key.prove({ method, url, nonce, token }) }
  }

  async #proving(url: string, asked: Asked, token?: string): Promise<Answer> {
    const { origin } = new URL(url)
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.get(origin)
      const dpop = this.key.prove({ method: asked.method ?? 'GET', url, nonce, token })
      const authorization = token && { authorization: `DPoP ${token}` }
      const answer = await ask(url, {
        ...asked,
        headers: { ...authorization, dpop, ...asked.headers },
      })
      const given = answer.headers['dpop-nonce']
      if (typeof given === 'string') this.#nonces.set(origin, given)
      if (tries > 1 || !asksForNonce(answer)) return answer
    }
  }
}

/** What a person does in a browser: opens the page, signs in, consents to everything and is sent
 *  back to the client. Answers the address they come back to. */
export async function approveInBrowser(
  page: string,
  who: { handle: string; password: string },
): Promise<URL> {
  const browser = new Browser()
  const shown = await browser.open(page)
  if (shown.status !== 200) throw new Error(`the page answered ${shown.status}`)
  const csrf = { 'x-csrf-token': browser.cookie('csrf-token') ?? '' }
  const { handle, password } = who
  const account = { locale: 'en', username: handle, password }
  const signedIn = await browser.post(`${API}/sign-in`, account, csrf)
  if (signedIn.status !== 200) throw new Error(JSON.stringify(signedIn.body))
  const { did } = signedIn.body['account'] as { did: string }
  const token = { authorization: `Bearer ${String(signedIn.body['ephemeralToken'])}` }
  const consented = await browser.post(`${API}/consent`, { did }, { ...csrf, ...token })
  if (consented.status !== 200) throw new Error(JSON.stringify(consented.body))
  const back = await browser.open(String(consented.body['url']))
  return new URL(back.headers.location ?? '')
}

/** An authorization server says it in the body, a resource in the challenge (RFC 9449 §8, §9). */
function asksForNonce({ body, headers }: Answer): boolean {
  return (
    body['error'] === 'use_dpop_nonce' ||
    /error="use_dpop_nonce"/.test(headers['www-authenticate'] ?? '')
  )
}
