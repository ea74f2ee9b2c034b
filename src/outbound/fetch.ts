import { checkUnicastPolicy, unicastFetchWrap } from '@atproto-labs/fetch-node'
import { OutboundError } from './outbound-error.ts'

/** A request to a place that others named; redirects are always refused. */
export type OutboundInit = Omit<RequestInit, 'redirect'> & {
  /** Time for the answer and its body together, 10 s unless said. */
  timeoutMs?: number
}

/** Like `fetch`, for addresses that others named: throws `OutboundError`, follows no redirect. */
export type Outbound = (url: string | URL, init?: OutboundInit) => Promise<Response>

const TIMEOUT_MS = 10_000

/**
 * Makes the one `fetch` for addresses from records, DID documents and requests. It speaks https
 * with public unicast addresses only, looked at again when the name resolves (OWASP API7, SSRF);
 * in development also plain http with this machine. Read bodies with `readLimited`.
 */
export function createOutbound(options: { development: boolean }): Outbound {
  const publicFetch = unicastFetchWrap()
  return async (input, init = {}) => {
    const url = parseUrl(input)
    const loopback = options.development && isPlainLoopback(url)
    const fault = loopback ? undefined : publicUrlFault(url, 'https:')
    if (fault !== undefined) throw new OutboundError('ForbiddenUrl', fault)
    const { timeoutMs = TIMEOUT_MS, ...rest } = init
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = rest.signal ? AbortSignal.any([rest.signal, limit]) : limit
    try {
      const request: RequestInit = { ...rest, signal, redirect: 'error' }
      return await (loopback ? globalThis.fetch(url, request) : publicFetch(url, request))
    } catch (cause) {
      throw new OutboundError('Unreachable', `no answer from ${url.host}`, { cause })
    }
  }
}

/** Whether the address is plain http to this machine itself. */
export function isPlainLoopback(url: URL): boolean {
  if (url.protocol !== 'http:') return false
  const { hostname } = url
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/u.test(hostname)
}

function parseUrl(input: string | URL): URL {
  const url = URL.parse(String(input))
  if (url === null) throw new OutboundError('ForbiddenUrl', 'not an absolute URL')
  if (url.username !== '' || url.password !== '') {
    throw new OutboundError('ForbiddenUrl', 'a URL with a password in it')
  }
  return url
}

/** Why an address may not be asked, as far as it says without its name being resolved. */
export function publicUrlFault(url: URL, scheme: 'https:' | 'wss:'): string | undefined {
  return url.protocol === scheme ? checkUnicastPolicy(url) : `${url.protocol} is not allowed`
}
