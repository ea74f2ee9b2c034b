import type { Outbound } from '../outbound/fetch.ts'
import { type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { faultsBorne } from '../tokens/quorum.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { readTransfer } from '../tokens/transfer.ts'
import { listFrom } from './remote-validator.ts'

/** The id of the transfer that an account has made at a number, as more validators of an epoch tell
 *  than may be faulty; undefined where there is none. */
export async function appliedId(
  { crypto, fetch }: { readonly crypto: TokenCrypto; readonly fetch: Outbound },
  at: Pick<ReadEpoch, 'epoch' | 'id'>,
  { account, seq }: { readonly account: string; readonly seq: number },
): Promise<string | undefined> {
  const { ledger } = committeeOf(at)
  const { validators } = at.epoch
  const answers = validators.map(async (peer) => {
    const { items } = await listFrom(fetch, peer, { ledger, account, from: seq })
    const read = items[0] && readTransfer(crypto, account, items[0].record)
    return read && !isRefusal(read) && read.transfer.seq === seq ? [read.id] : []
  })
  const told = Map.groupBy((await Promise.all(answers)).flat(), (id) => id)
  const enough = [...told.values()].find((same) => same.length > faultsBorne(validators.length))
  return enough?.[0]
}
