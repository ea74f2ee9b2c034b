import { systemClock } from '../clock.ts'
import { type Identity } from '../identity/identity.ts'
import { cidKey, readCarSlice } from './car.ts'
import { readCommit } from './commit-object.ts'
import { openTreeProof } from './mst-proof.ts'
import { readRecordBlock } from './record-block.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'

/** What a repo says of one record at revision `rev`: the record, or with a null CID its absence. */
export type RecordProof =
  | { ok: true; rev: string; cid: string; bytes: Uint8Array }
  | { ok: true; rev: string; cid: null }

/**
 * Verifies the CAR of `com.atproto.sync.getRecord`: the account's signature over the commit, and
 * the way through the tree to the record or to where it would be. The revision says how new the
 * proof is for this record; it says nothing of other records.
 */
export function verifyRecordProof(proof: {
  car: Uint8Array
  did: string
  collection: string
  rkey: string
  identity: Identity
  now?: Date
}): RecordProof | Refusal {
  if (proof.did !== proof.identity.did) return refuse('WrongDid', proof.identity.did)
  if (proof.car.length > LIMITS.blocks) return refuse('BlocksTooLarge', `${proof.car.length}`)
  const car = readCarSlice(proof.car)
  if (!car.ok) return car
  const block = car.blocks.get(cidKey(car.root))
  if (block === undefined) return refuse('MissingCommit', 'the CAR does not hold its root')
  const commit = readCommit(block, proof.identity, proof.now ?? systemClock.now())
  if (!commit.ok) return commit
  const tree = openTreeProof(commit.data, car.blocks)
  const found = tree.find(`${proof.collection}/${proof.rkey}`)
  if (!found.ok) return found
  if (found.cid === null) return { ok: true, rev: commit.rev, cid: null }
  const record = readRecordBlock(found.cid, car.blocks)
  if (!record.ok) return record
  return { ok: true, rev: commit.rev, cid: found.cid.$link, bytes: record.bytes }
}
