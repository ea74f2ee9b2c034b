import type { Identity } from '../identity/identity.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { readLimited } from '../outbound/read-limited.ts'
import { type RecordProof, verifyRecordProof } from './proof.ts'
import type { Refusal } from './refusal.ts'

const PROOF_MAX_BYTES = 4_000_000

/** Asks an account's PDS what its repo says of a record (`com.atproto.sync.getRecord`) and verifies
 *  the answer, which is handed on with it. Throws `OutboundError` without an answer. */
export async function fetchRecordProof(
  outbound: Outbound,
  identity: Identity,
  place: { did: string; collection: string; rkey: string },
  now?: Date,
): Promise<(RecordProof & { car: Uint8Array }) | Refusal> {
  const query = String(new URLSearchParams(place))
  const response = await outbound(`${identity.pds}/xrpc/com.atproto.sync.getRecord?${query}`)
  if (!response.ok) {
    await response.body?.cancel()
    throw new OutboundError('Unreachable', `${identity.pds} answered ${response.status}`)
  }
  const car = await readLimited(response, PROOF_MAX_BYTES)
  const proof = verifyRecordProof({ car, identity, ...place, ...(now && { now }) })
  return proof.ok ? { ...proof, car } : proof
}
