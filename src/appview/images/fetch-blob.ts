import { createHash } from 'node:crypto'
import { CODEC_RAW, HASH_SHA256, fromString } from '@atcute/cid'
import type { Log } from '../../log.ts'
import type { Outbound } from '../../outbound/fetch.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { readLimited } from '../../outbound/read-limited.ts'
import { ImageRefused } from './refused.ts'

/** Where the bytes of blobs come from. */
export type Blobs = {
  /** The blob with this CID in an account's repo; undefined when its PDS does not have it. */
  loadBlob(did: string, cid: string): Promise<Uint8Array | undefined>
}

const BYTES_MAX = 50_000_000

/**
 * Loads blobs of accounts anywhere: from here with `local`, else from the account's PDS. What is
 * returned hashes to its CID. Throws `ImageRefused` for more than 50 MB and `OutboundError` when
 * the PDS does not answer.
 */
export function createBlobs(options: {
  /** The origin of the PDS an account is at; undefined when that is not known. */
  pdsOf: (did: string) => Promise<string | undefined>
  outbound: Outbound
  log: Log
  /** The blob of an account hosted here; undefined for all other accounts. */
  local?: (did: string, cid: string) => Promise<Uint8Array | undefined>
}): Blobs {
  const { pdsOf, outbound, log, local } = options
  const remote = async (did: string, cid: string): Promise<Uint8Array | undefined> => {
    const pds = await pdsOf(did)
    return pds === undefined ? undefined : fetchBlob(outbound, pds, { did, cid })
  }
  return {
    async loadBlob(did, cid) {
      const digest = sha256In(cid)
      if (!digest) return undefined
      const bytes = (await local?.(did, cid)) ?? (await remote(did, cid))
      if (!bytes) return undefined
      if (bytes.length > BYTES_MAX) throw tooLarge()
      if (createHash('sha256').update(bytes).digest().equals(digest)) return bytes
      log.warn({ did, cid }, 'a blob does not hash to its CID')
      return undefined
    },
  }
}

async function fetchBlob(
  outbound: Outbound,
  pds: string,
  blob: { did: string; cid: string },
): Promise<Uint8Array | undefined> {
  const url = `${pds}/xrpc/com.atproto.sync.getBlob?${String(new URLSearchParams(blob))}`
  const response = await outbound(url, { headers: { accept: '*/*' }, timeoutMs: 30_000 })
  if (response.status !== 200) {
    await response.body?.cancel()
    // The PDS answers 400 for blobs it does not have and for accounts that are not active.
    if (response.status < 500 && response.status !== 429) return undefined
    throw new OutboundError('Unreachable', `the PDS answered ${response.status}`)
  }
  return readLimited(response, BYTES_MAX).catch((error: unknown) => {
    throw error instanceof OutboundError && error.reason === 'TooLarge' ? tooLarge() : error
  })
}

function tooLarge(): ImageRefused {
  return new ImageRefused('ImageTooLarge', `This blob has more than ${BYTES_MAX} bytes.`)
}

/** The digest a blob's bytes must have; undefined when this is not the CID of a blob. */
function sha256In(cid: string): Uint8Array | undefined {
  try {
    const { codec, digest } = fromString(cid)
    return codec === CODEC_RAW && digest.codec === HASH_SHA256 ? digest.contents : undefined
  } catch {
    return undefined
  }
}
