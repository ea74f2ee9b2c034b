import { HandleResolver } from '@atproto/identity'
import { isValidHandle } from '@atproto/syntax'
import { type Outbound } from '../outbound/fetch.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import { type Identity } from './identity.ts'

const TIMEOUT_MS = 5000
const MAX_ANSWER = 4096

/**
 * Makes the check that a claimed handle points back to the DID (https://atproto.com/specs/handle):
 * DNS TXT `_atproto.<handle>`, then https well-known. Names under `.test` exist nowhere, so in
 * development the identity's own PDS is asked instead.
 */
export function createHandleVerifier(options: {
  development: boolean
  outbound: Outbound
}): (identity: Identity) => Promise<string | undefined> {
  const publicNames = new HandleResolver({ timeout: TIMEOUT_MS })
  return async (identity) => {
    const { handle, did } = identity
    if (handle === undefined || !isValidHandle(handle)) return undefined
    try {
      const local = options.development && handle.endsWith('.test')
      const answer = local
        ? askPds(identity.pds, handle, options.outbound)
        : publicNames.resolve(handle)
      return (await within(answer)) === did ? handle : undefined
    } catch {
      return undefined
    }
  }
}

async function askPds(pds: string, handle: string, outbound: Outbound): Promise<unknown> {
  const url = new URL('/xrpc/com.atproto.identity.resolveHandle', pds)
  url.searchParams.set('handle', handle)
  const response = await outbound(url, { timeoutMs: TIMEOUT_MS })
  if (!response.ok) {
    await response.body?.cancel()
    return undefined
  }
  const body = await readLimitedJson(response, MAX_ANSWER)
  return typeof body === 'object' && body !== null && 'did' in body ? body.did : undefined
}

/** DNS has its own, longer patience. */
async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT_MS, undefined)
  })
  try {
    return await Promise.race([answer, limit])
  } finally {
    clearTimeout(timer)
  }
}
