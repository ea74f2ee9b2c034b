import { systemClock } from '../clock.ts'
import { type Identity } from '../identity/identity.ts'
import { openTreeProof } from './mst-proof.ts'
import { readRecordBlock } from './record-block.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'
import { openSignedRepo, wayTo } from './signed-repo.ts'

/** What a repo says of one record at revision `rev`: the record, or with a null CID its absence. */
export type RecordProof = Shown & ({ cid: string; bytes: Uint8Array } | { cid: null })

type Shown = {
  ok: true
  rev: string
  /** CID of the signed commit */
  commit: string
  /** CIDs of the tree's nodes from its root to where the record is, or would be */
  way: string[]
}

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
  const repo = openSignedRepo({ ...proof, now: proof.now ?? systemClock.now() })
  if (!repo.ok) return repo
  const path = `${proof.collection}/${proof.rkey}`
  const found = openTreeProof(repo.data, repo.blocks).find(path)
  if (!found.ok) return found
  const { rev, commit } = repo
  const shown = { ok: true, rev, commit, way: wayTo(repo, path) } as const
  if (found.cid === null) return { ...shown, cid: null }
  const record = readRecordBlock(found.cid, repo.blocks)
  if (!record.ok) return record
  return { ...shown, cid: found.cid.$link, bytes: record.bytes }
}
