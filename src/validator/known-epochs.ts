import { type ReadEpoch, checkSuccession, readEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'

/** The epochs of a ledger as far as this node knows them: from the pinned first one on, each signed
 *  by a quorum of the validators before it. */
export type KnownEpochs = {
  /** The newest. */
  current(): ReadEpoch
  /** All of them; the place of each is its number. */
  readonly chain: readonly ReadEpoch[]
  /** Takes those of these canonical records that follow, and answers them. Whoever has given them,
   *  what does not follow changes nothing. */
  take(records: Iterable<Uint8Array>): readonly ReadEpoch[]
}

/** Begins with the pinned first epoch. What has once followed stays: of two next epochs that a
 *  quorum has signed, which more liars than the ledger bears would take, the first one counts. */
export function knownEpochs(crypto: TokenCrypto, genesis: ReadEpoch): KnownEpochs {
  const chain = [genesis]
  return {
    current: () => chain.at(-1)!,
    chain,
    take(records) {
      const from = chain.length
      for (const record of records) {
        const read = readEpoch(crypto, record)
        if (isRefusal(read) || read.epoch.epoch !== chain.length) continue
        if (checkSuccession(crypto, chain.at(-1)!, read) === undefined) chain.push(read)
      }
      return chain.slice(from)
    },
  }
}
