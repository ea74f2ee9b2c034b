import { isValidDid } from '@atproto/syntax'
import { type Outbound } from '../outbound/fetch.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import { type DidDocument, parseDocument } from './identity.ts'

/** The directory or web host of a DID cannot be asked now; trying again later may work. */
export class IdentityUnavailable extends Error {
  readonly did: string

  constructor(did: string, cause: unknown) {
    super(`the document of ${did} cannot be fetched now`, { cause })
    this.name = 'IdentityUnavailable'
    this.did = did
  }
}

/** Where DID documents come from; `plcUrl` is the operator's choice, a private address or not. */
export type DocumentSources = { plcUrl: string; development: boolean; outbound: Outbound }

const TIMEOUT_MS = 3000
const MAX_DOCUMENT = 32_768
const MAX_DID = 2048
const PLC = /^did:plc:[a-z2-7]{24}$/u
const WEB = /^did:web:([a-z0-9.-]+)(?:%3a(\d{1,5}))?$/iu

/**
 * The document of a did:plc or did:web as it is now (https://atproto.com/specs/did). Undefined when
 * there is none: unknown, tombstoned, not a document, another method, a host that may not be asked.
 * Throws `IdentityUnavailable` when that cannot be found out within 3 s.
 */
export async function fetchDocument(
  did: string,
  sources: DocumentSources,
): Promise<DidDocument | undefined> {
  if (did.length > MAX_DID || !isValidDid(did)) return undefined
  try {
    const response = await request(did, sources)
    if (response === undefined) return undefined
    if (!response.ok) {
      await response.body?.cancel()
      if (isFinal(response.status)) return undefined
      throw new Error(`status ${response.status}`)
    }
    return parseDocument(did, await readLimitedJson(response, MAX_DOCUMENT))
  } catch (cause) {
    if (cause instanceof OutboundError && cause.reason !== 'Unreachable') return undefined
    throw new IdentityUnavailable(did, cause)
  }
}

/** 408 and 429 ask to come back; the other 4xx say no (PLC: 404 unknown, 410 tombstoned). */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

async function request(did: string, sources: DocumentSources): Promise<Response | undefined> {
  const headers = { accept: 'application/did+ld+json,application/json' }
  if (PLC.test(did)) {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return fetch(new URL(`/${did}`, sources.plcUrl), { headers, redirect: 'error', signal })
  }
  const url = webUrl(did, sources.development)
  return url === undefined ? undefined : sources.outbound(url, { headers, timeoutMs: TIMEOUT_MS })
}

/** atproto has no did:web with a path, and a port only for localhost while developing. */
function webUrl(did: string, development: boolean): string | undefined {
  const [matched, host, port] = WEB.exec(did) ?? []
  if (matched === undefined || host === undefined) return undefined
  const path = '/.well-known/did.json'
  if (development && host === 'localhost') return `http://${host}${port ? `:${port}` : ''}${path}`
  return port === undefined ? `https://${host}${path}` : undefined
}
