import { type IncomingMessage, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** What a node sent to the service. */
export type Sent = { nsid: string; query: URLSearchParams; body: unknown; claims: Claims }
type Claims = { iss: string; aud: string; lxm: string }

/** Somebody else's service with a did:web of its own, which remembers what it was told. */
export type WebService = AsyncDisposable & {
  did: string
  sent: Sent[]
  /** what it answers, 200 and an empty object unless a test says otherwise */
  answer: (sent: Sent) => { status: number; body: object }
}

/** Starts it on this machine, with an entry `#listener` in its document. */
export async function startWebService(): Promise<WebService> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const reply = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    if (url.pathname === '/.well-known/did.json') return reply(200, document)
    void read(request).then((body) => {
      const token = (request.headers.authorization ?? '').slice('Bearer '.length)
      const part = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
      const claims = JSON.parse(part || '{}') as Claims
      const sent = {
        nsid: url.pathname.slice('/xrpc/'.length),
        query: url.searchParams,
        body,
        claims,
      }
      service.sent.push(sent)
      const { status, body: said } = service.answer(sent)
      reply(status, said)
    })
  })
  await new Promise<void>((done) => server.listen(0, done))
  const { port } = server.address() as AddressInfo
  const did = `did:web:localhost%3A${port}`
  const serviceEndpoint = `http://localhost:${port}`
  const entry = { id: '#listener', type: 'Listener', serviceEndpoint }
  const document = { '@context': ['https://www.w3.org/ns/did/v1'], id: did, service: [entry] }
  const service: WebService = {
    did,
    sent: [],
    answer: () => ({ status: 200, body: {} }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return service
}

async function read(request: IncomingMessage): Promise<unknown> {
  return request.method === 'POST' ? json(request) : undefined
}
