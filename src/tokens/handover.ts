import { type Account } from './account.ts'
import { type Committee, type Epoch, type ReadEpoch, checkFollows } from './epoch.ts'
import { type Refusal, isRefusal, refuse } from './refusal.ts'
import { type Outcome, settleEpoch } from './settle.ts'
import { type Seal, checkSealed } from './seal.ts'
import type { Settled } from './state-root.ts'
import type { TokenCrypto } from './token-crypto.ts'
import type { ReadTransfer } from './transfer.ts'

/** A seal with the transfers it stands for. */
export type SealedSet = {
  readonly seal: Seal
  readonly cid: string
  readonly transfers: readonly Settled[]
}

/** What the handover of an epoch is made of. */
export type Ending = {
  readonly epoch: Epoch
  readonly committee: Committee
  /** The accounts that the epoch has begun with, grants included. */
  readonly opening: ReadonlyMap<string, Account>
  readonly seals: readonly SealedSet[]
  /** A transfer whose lock certificate was found good, by its id. */
  certified(id: string): ReadTransfer | undefined
}

/**
 * What an epoch comes to by the seals named: the union of their certificates. A transfer that a
 * quorum has applied is in the seal of at least one honest validator of any quorum of seals, so
 * what was final stays; a transfer that was merely certified may be in or not.
 */
export function concludeEpoch(crypto: TokenCrypto, ending: Ending): Outcome | Refusal {
  const { committee, seals, epoch, opening } = ending
  const validators = new Set(seals.map(({ seal }) => seal.validator))
  if (validators.size !== seals.length) return refuse('DuplicateSigner', 'a validator seals once')
  if (seals.length < committee.quorum) {
    return refuse('TooFewSigners', `${seals.length} seals of ${committee.quorum}`)
  }
  const union = new Map<string, ReadTransfer>()
  for (const { seal, transfers } of seals) {
    const fault = checkSealed(crypto, seal, transfers)
    if (fault) return fault
    for (const { transfer: id, account } of transfers) {
      const read = ending.certified(id)
      if (!read) return refuse('NeedCertificates', `of ${account}: ${id}`)
      // A certificate of an epoch before, left out there, is void for good.
      if (read.transfer.epoch !== epoch.epoch) return refuse('WrongEpoch', `of ${account}: ${id}`)
      union.set(id, read)
    }
  }
  return settleEpoch(crypto, opening, epoch.grants, union.values())
}

/** Whether a proposal for the next epoch says what its seals come to. The answer is what the
 *  validator begins the next epoch with, once a quorum has signed. */
export function checkHandover(
  crypto: TokenCrypto,
  ending: Ending,
  next: Pick<ReadEpoch, 'epoch'>,
): Outcome | Refusal {
  const { handover } = next.epoch
  if (!handover) return refuse('HandoverMissing', `epoch ${next.epoch.epoch}`)
  const stray = checkFollows({ epoch: ending.epoch, id: ending.committee.id }, next)
  if (stray) return stray
  const named = new Map(handover.seals.map(({ validator, cid }) => [validator, cid]))
  const given = ending.seals.filter(({ seal, cid }) => named.get(seal.validator) === cid)
  if (named.size !== handover.seals.length || given.length !== named.size) {
    return refuse('WrongSeal', `${given.length} of the ${handover.seals.length} named are here`)
  }
  const outcome = concludeEpoch(crypto, { ...ending, seals: given })
  if (isRefusal(outcome)) return outcome
  const { roots } = outcome
  if (roots.stateRoot.$bytes !== handover.stateRoot.$bytes) {
    return refuse('WrongStateRoot', `of epoch ${ending.epoch.epoch}`)
  }
  if (
    roots.settledRoot.$bytes !== handover.settledRoot.$bytes ||
    roots.settledCount !== handover.settledCount
  ) {
    return refuse('WrongSettledRoot', `of epoch ${ending.epoch.epoch}`)
  }
  if (roots.supply !== handover.supply || roots.burned !== handover.burned) {
    return refuse('WrongSupply', `${handover.supply}, it is ${roots.supply}`)
  }
  return outcome
}
