import { toBytes } from '@atcute/cbor'
import {
  type Attestation,
  type Phase,
  type Subject,
  attest,
  checkAttestation,
} from '../../src/tokens/attestation.ts'
import { committeeOf } from '../../src/tokens/epoch.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import { type World, instantOf } from './world.ts'

/** What a vote for a transfer is about, in the epoch that it names. */
export function subjectOf(
  world: World,
  phase: Phase,
  { account, transfer, id }: ReadTransfer,
): Subject {
  const committee = committeeOf(world.chain[transfer.epoch]!.read)
  const { seq, prev } = transfer
  return {
    phase,
    ledger: committee.ledger,
    epoch: committee.epoch,
    committee: committee.id,
    account,
    seq,
    ...(prev !== undefined && { prev }),
    transfer: id,
  }
}

/** A vote that somebody signs without asking anything, also one who is no member. */
export function voteOf(
  world: World,
  about: Subject,
  validator: string,
  more: { readonly at?: number; readonly signer?: string; readonly senderKey?: string } = {},
): Attestation {
  const signer = world.signerOf(more.signer ?? validator, about.epoch)
  const senderKey = more.senderKey ?? world.directory.keysOf(about.account, world.net.now).atproto
  const observedAt = instantOf(more.at ?? world.net.now)
  return attest(world.suite.crypto, signer, about, { validator, senderKey, observedAt })
}

/** A vote with chance instead of a signature. */
export function garbled(vote: Attestation, byte: number): Attestation {
  return { ...vote, signature: toBytes(new Uint8Array(64).fill(byte)) }
}

/** Whether a vote is what it says. */
export function isVote(world: World, about: Subject, vote: Attestation): boolean {
  const key = committeeOf(world.chain[about.epoch]!.read).keys.get(vote.validator)
  if (key === undefined) return false
  return checkAttestation(world.suite.crypto, about, vote, { key }) === undefined
}
