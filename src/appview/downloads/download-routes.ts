import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { SignedLinks } from '../business/signed-links.ts'
import type { Sql } from '../sql.ts'
import { type Grant, grantsOf, orderOfSubject, subjectOf, take } from './grants.ts'

/** Where files are that somebody has bought: their links end in a token. */
export const DOWNLOADS = '/downloads/'
/** What links to files are for. */
export const DOWNLOAD_LINK = 'download'

const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/

type Downloading = {
  readonly sql: Sql
  readonly links: SignedLinks
  readonly clock: Clock
  /** The bytes of a file that a record in a permissioned repo names. */
  readonly readFile: (did: string, cid: string) => Promise<Readable | undefined>
  readonly log: Log
}

/** Hands files to those who have bought them, by links that end and count. What was given back, or
 *  taken from the product, is not there any more. */
export function downloadRoutes(d: Downloading): {
  handles: (req: IncomingMessage) => boolean
  request: (req: IncomingMessage, res: ServerResponse) => void
} {
  return {
    handles: ({ url = '' }) => url.startsWith(DOWNLOADS),
    request: (req, res) => {
      if (req.method !== 'GET') return answer(res, 405, 'GET only')
      hand(d, req, res).catch((error: unknown) => {
        // Whoever goes away in the middle has had the file counted, as the link says.
        if (req.destroyed || res.destroyed) return
        d.log.error({ err: error }, 'a download failed')
        if (res.headersSent) res.destroy()
        else answer(res, 500, 'Something went wrong here.')
      })
    },
  }
}

async function hand(d: Downloading, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const token = (req.url ?? '').slice(DOWNLOADS.length).split('?', 1)[0]!
  const grant = await grantOf(d, token)
  if (!grant) return answer(res, 404, 'This link leads nowhere, or no longer. Ask for a new one.')
  const { tenant, file } = grant
  const stream = await d.readFile(tenant, file.cid)
  if (!stream) return answer(res, 404, 'The file is not here.')
  if (!(await take(d.sql, grant))) {
    stream.destroy()
    return answer(res, 410, 'The file was fetched as often as it may be. Ask the shop.')
  }
  res.writeHead(200, {
    'content-type': MEDIA_TYPE.test(file.mimeType) ? file.mimeType : 'application/octet-stream',
    'content-length': file.size,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-store',
  })
  await pipeline(stream, res)
}

async function grantOf(d: Downloading, token: string): Promise<Grant | undefined> {
  const now = d.clock.now()
  const subject = d.links.read(token, DOWNLOAD_LINK, now)
  const order = subject === undefined ? undefined : orderOfSubject(subject)
  if (order === undefined) return undefined
  return (await grantsOf(d.sql, order, now)).find((grant) => subjectOf(grant) === subject)
}

function answer(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  res.end(text)
}
