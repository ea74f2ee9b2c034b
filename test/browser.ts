import http from 'node:http'
import { json } from 'node:stream/consumers'

/** An answer with what a test looks at; `body` is empty when the answer is not JSON. */
export type Answer = {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

export type Asked = {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form when it is URLSearchParams, as JSON otherwise. */
  readonly body?: object
}

/** One request with exactly these headers, which `fetch` would not send as they are. */
export async function ask(url: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', body } = asked
  const form = body instanceof URLSearchParams
  const text = form ? body.toString() : body && JSON.stringify(body)
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  const headers = { ...(body && { 'content-type': type }), ...asked.headers }
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, resolve)
    request.on('error', reject)
    request.end(text)
  })
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  const answer = isJson ? ((await json(response)) as Answer['body']) : {}
  response.resume()
  return { status: response.statusCode ?? 0, headers: response.headers, body: answer }
}

/** As much of a browser as a login needs: cookies, and the headers that pages cannot choose. */
export class Browser {
  readonly #cookies = new Map<string, string>()
  #page: string | undefined

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  /** Opens a page, as somebody does who follows a link to it; redirects are not followed. */
  async open(url: string): Promise<Answer> {
    const sameSite = this.#page !== undefined && new URL(this.#page).origin === new URL(url).origin
    const answer = await this.#ask(url, {
      headers: {
        accept: 'text/html',
        'sec-fetch-dest': 'document',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-site': sameSite ? 'same-origin' : 'cross-site',
        ...(sameSite && { referer: this.#page! }),
      },
    })
    if (answer.status === 200) this.#page = url
    return answer
  }

  /** What a script of the open page asks of its own origin. */
  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    const page = new URL(this.#page!)
    return this.#ask(`${page.origin}${path}`, {
      method: 'POST',
      body,
      headers: {
        origin: page.origin,
        referer: page.href,
        'sec-fetch-dest': 'empty',
        'sec-fetch-mode': 'same-origin',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    })
  }

  async #ask(url: string, asked: Asked): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'user-agent': 'test', ...asked.headers, ...(cookie && { cookie }) }
    const answer = await ask(url, { ...asked, headers })
    for (const set of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      this.#cookies.set(name, value)
    }
    return answer
  }
}
