import type { Outbound } from '../outbound/fetch.ts'
import { committeeOf, type ReadEpoch } from '../tokens/epoch.ts'
import type { CheckedBatches } from '../tokens/attestation.ts'
import type { Submission } from '../tokens/check-order.ts'
import { type Driven, driveTransfer } from '../tokens/drive-transfer.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { readTransfer } from '../tokens/transfer.ts'
import { remoteValidator } from './remote-validator.ts'

/** Has a transfer certified by the validators that an epoch names, over the network. Refuses what
 *  no validator would take. */
export async function certifyTransfer(
  parts: {
    readonly crypto: TokenCrypto
    readonly fetch: Outbound
    /** Heads of batches that were checked for other transfers. */
    readonly checked?: CheckedBatches
  },
  at: Pick<ReadEpoch, 'epoch' | 'id'>,
  submission: Submission,
): Promise<Driven | Refusal> {
  const { crypto, fetch, checked } = parts
  const transfer = readTransfer(crypto, submission.account, submission.record)
  if (isRefusal(transfer)) return transfer
  const committee = committeeOf(at)
  const peers = at.epoch.validators.map((peer) =>
    remoteValidator(fetch, peer, committee.ledger, submission),
  )
  return driveTransfer({ crypto, committee, peers, transfer, checked })
}
