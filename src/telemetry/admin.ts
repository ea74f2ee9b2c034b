import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '../log.ts'

/** What a path of the admin port answers. */
export type Page = { readonly status: number; readonly type: string; readonly body: string }

/** A server for the operator alone: it knows of no accounts, so it belongs on loopback or in a
 *  network of its own. */
export type Admin = { readonly url: string; close(): Promise<void> }

/**
 * Serves `pages` by their paths to GET and HEAD. Throws when the port cannot be listened on, with
 * the system's code (`EADDRINUSE`, `EACCES`, …).
 */
export async function serveAdmin(options: {
  host: string
  port: number
  pages: ReadonlyMap<string, () => Promise<Page>>
  log: Log
}): Promise<Admin> {
  const { host, pages, log } = options
  const server = http.createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    const page = pages.get(path)
    if (!page) return end(response, notFound([...pages.keys()]))
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(response.setHeader('allow', 'GET, HEAD'), said(405, 'Only GET and HEAD.'))
    page().then(
      (answer) => end(response, answer),
      (error: unknown) => {
        log.error({ path, err: error }, 'a page of the admin port failed')
        end(response, said(500, 'Something went wrong here.'))
      },
    )
  })
  server.listen(options.port, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A page that is JSON. */
export function jsonPage(status: number, body: object): Page {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` }
}

function notFound(paths: readonly string[]): Page {
  return said(404, `Here are ${paths.join(', ')}.`)
}

function said(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` }
}

/** Node leaves out the body of an answer to HEAD. */
function end(response: http.ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}
