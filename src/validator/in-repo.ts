import type { Clock } from '../clock.ts'
import { verifyRecordProof } from '../firehose/proof.ts'
import type { Identity } from '../identity/identity.ts'
import type { CheckInRepo } from '../tokens/check-order.ts'
import { sameBytes } from '../tokens/encoding.ts'
import { refuse } from '../tokens/refusal.ts'
import { TRANSFER, transferRkey } from '../tokens/transfer.ts'

/** Checks that a CAR shows the transfer at the place its number gives it, under a commit that the
 *  account's key has signed. */
export function inRepoOf(identity: Identity, code: string, clock: Clock): CheckInRepo {
  return ({ account: did, record, car }, { seq }) => {
    const rkey = transferRkey(code, seq)
    const now = clock.now()
    const proof = verifyRecordProof({ car, did, collection: TRANSFER, rkey, identity, now })
    if (!proof.ok) return refuse('NotInRepo', `${proof.reason}: ${proof.detail}`)
    if (proof.cid === null) return refuse('NotInRepo', `there is no ${TRANSFER}/${rkey}`)
    return sameBytes(proof.bytes, record)
      ? undefined
      : refuse('NotInRepo', `${TRANSFER}/${rkey} is another record`)
  }
}
