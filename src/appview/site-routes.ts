import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { Log } from '../log.ts'
import { type Site, hostName, siteAt } from './sites.ts'
import type { Sql } from './sql.ts'

type Options = {
  readonly sql: Sql
  /** The node's own name. */
  readonly hostname: string
  /** What handles of this node end in, with the leading dot. */
  readonly handleDomain: string
  readonly didOf: (handle: string) => Promise<string | undefined>
  readonly log: Log
}

const HANDLE_PROOF = '/.well-known/atproto-did'
/** Where whoever gets certificates for the node asks whether a name is one to get one for. */
const TLS_CHECK = '/tls-check'

/** What is answered under the names of tenants: whose a handle below their domain is
 *  (https://atproto.com/specs/handle), and a page that says who they are. */
export function siteRoutes(options: Options): {
  handles: (req: IncomingMessage) => boolean
  request: (req: IncomingMessage, res: ServerResponse) => void
} {
  const { hostname, handleDomain, log } = options
  const isOwn = (host: string) => host === hostname || !host.includes('.') || isIP(host) !== 0
  return {
    handles: ({ url = '', headers }) => {
      if (url.startsWith(TLS_CHECK)) return pathOf(url) === TLS_CHECK
      const path = pathOf(url)
      if (path !== '/' && path !== HANDLE_PROOF) return false
      const host = hostName(headers.host)
      return !isOwn(host) && (path === '/' || !host.endsWith(handleDomain))
    },
    request: (req, res) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') return answer(res, 405, 'GET or HEAD only')
      answerTo(options, req, res).catch((error: unknown) => {
        log.error({ err: error }, 'a request for a site failed')
        if (!res.headersSent) answer(res, 500, 'Something went wrong here.')
      })
    },
  }
}

async function answerTo(o: Options, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = req.url ?? ''
  const host = hostName(req.headers.host)
  if (pathOf(url) === TLS_CHECK) return checkName(o, url, res)
  if (pathOf(url) === HANDLE_PROOF) {
    const did = await o.didOf(host)
    return answer(res, did === undefined ? 404 : 200, did ?? 'User not found')
  }
  const site = await siteAt(o.sql, host)
  if (!site) return answer(res, 404, 'Nothing is here under this name.')
  res.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  answer(res, site.notice === undefined ? 200 : 503, pageOf(site), 'text/html')
}

/** 200 for the node's own name, for handles of its accounts and for domains of its tenants. */
async function checkName(o: Options, url: string, res: ServerResponse): Promise<void> {
  const name = hostName(new URL(url, 'http://localhost').searchParams.get('domain') ?? '')
  const known =
    name === o.hostname ||
    (name.includes('.') && ((await o.didOf(name)) ?? (await siteAt(o.sql, name))) !== undefined)
  answer(res, known ? 200 : 404, known ? 'known' : 'unknown')
}

function pageOf({ name, description, notice, primaryDomain }: Site): string {
  const [title, about, at] = [name, notice ?? description ?? '', primaryDomain].map(escaped)
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:1.1rem/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>${title}</h1><p>${about}</p><p>@${at}</p></html>
`
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`)
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!
}

function answer(res: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  res.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  })
  res.end(text)
}
