import type { Outbound } from '../outbound/fetch.ts'
import { readLimited } from '../outbound/read-limited.ts'
import type { TxtRecords } from '../outbound/txt-records.ts'
import { type Domain, proofOf } from './domains.ts'

/** Whether the proof of a domain is where it has to be, and if not, what was found instead. */
export type ProveDomain = (
  domain: Pick<Domain, 'domain' | 'challenge'>,
) => Promise<{ holds: true } | { holds: false; found: string }>

const ANSWER_BYTES = 1_024
const TIMEOUT_MS = 5_000

/** Looks for a proof in DNS and, when it is not there, in a file of the domain's own web server. */
export function createProveDomain(options: {
  txtRecords: TxtRecords
  outbound: Outbound
}): ProveDomain {
  const { txtRecords, outbound } = options
  return async (domain) => {
    const { dnsName, dnsValue, url, content } = proofOf(domain)
    const inDns = await txtRecords(dnsName).then(
      (records) => (records.includes(dnsValue) ? 'proof' : `${records.length} other TXT records`),
      () => 'no answer from DNS',
    )
    if (inDns === 'proof') return { holds: true }
    const inFile = await fileAt(outbound, url)
    if (inFile === content) return { holds: true }
    const file = inFile === undefined ? 'no file' : 'a file that says something else'
    return { holds: false, found: `${dnsName} has ${inDns}, and ${url} has ${file}` }
  }
}

async function fileAt(outbound: Outbound, url: string): Promise<string | undefined> {
  try {
    const response = await outbound(url, { timeoutMs: TIMEOUT_MS })
    if (response.ok) {
      const bytes = await readLimited(response, ANSWER_BYTES)
      return Buffer.from(bytes).toString('utf8').trim()
    }
    await response.body?.cancel()
  } catch {
    // Whatever is wrong there, the proof is not.
  }
  return undefined
}
