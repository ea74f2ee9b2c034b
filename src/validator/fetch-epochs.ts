import { fromBytes, isBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { askPeer } from './ask-peer.ts'
import { knownEpochs } from './known-epochs.ts'

/** Epochs of one answer; as many of the largest still fit into one. */
const PAGE = 16
/** Answers that are read: epochs of 40 years, one a day. */
const PAGES_MAX = 1_000

/** The epochs of a ledger from its pinned first one on, as its validators tell them; what they lie
 *  about does not follow. Where none can be asked it is the first one alone. */
export async function fetchEpochs(
  by: { readonly crypto: TokenCrypto; readonly fetch: Outbound },
  genesis: ReadEpoch,
): Promise<readonly ReadEpoch[]> {
  const known = knownEpochs(by.crypto, genesis)
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { validators } = known.current().epoch
    const query = { ledger: genesis.id, cursor: String(known.chain.length), limit: PAGE }
    const answers = validators.map(async ({ endpoint }) => {
      const reply = await askPeer(by.fetch, endpoint, 'readEpochs', { query })
      const items: unknown = reply.ok ? reply.body['items'] : []
      if (!Array.isArray(items)) return []
      return items.slice(0, PAGE).flatMap((one) => (isBytes(one) ? [fromBytes(one)] : []))
    })
    const found = (await Promise.all(answers)).flatMap((records) => known.take(records))
    if (found.length === 0) break
  }
  return known.chain
}
