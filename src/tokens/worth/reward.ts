import type { Account } from '../account.ts'
import { encodeRecord, sameBytes } from '../encoding.ts'
import { type Kind, type StrongRef, TRANSFER, type Transfer } from '../transfer.ts'

/** micro-tokens for a karma point: ten points are a token. */
export const REWARD_PER_POINT = 100_000

/** An award of karma that counts, as its record names it. */
export type RewardedAward = StrongRef & {
  readonly recipient: string
  readonly points: number
  /** The way of contributing that it is for. */
  readonly contribution?: string
}

/** What a pool is to give, and what shows that it was earned. */
export type Reward = Pick<Transfer, 'credits' | 'evidence' | 'contribution' | 'memo'> & {
  readonly kind: Kind
}

/** What an award of karma is worth in tokens: a reward of its recipient, with the award, whose
 *  author has given it, as evidence. Throws RangeError for points there are none of. */
export function karmaReward({ uri, cid, recipient, points, contribution }: RewardedAward): Reward {
  if (!Number.isSafeInteger(points) || points < 1) throw new RangeError(`${points} points`)
  return {
    kind: 'karma_reward',
    credits: [{ to: recipient, amount: points * REWARD_PER_POINT }],
    evidence: [{ uri, cid }],
    ...(contribution !== undefined && { contribution }),
  }
}

/**
 * The next transfer of a pool, before anybody has signed anything: witnesses sign its number,
 * credits and evidence, approvers its id. So one draft is completed before the next is made, and a
 * pool has one writer, who is whoever holds the account that its grant names. `last` is the pool's
 * account as validators have it.
 */
export function draftReward(
  at: { readonly ledger: string; readonly epoch: number; readonly now: string },
  last: Pick<Account, 'seq' | 'head'>,
  reward: Reward,
): Transfer {
  const { ledger, epoch, now } = at
  return {
    $type: TRANSFER,
    ledger,
    epoch,
    seq: last.seq + 1,
    ...(last.head !== undefined && { prev: last.head }),
    ...reward,
    createdAt: now,
    signatures: [],
  }
}

/** Whether a transfer in a pool's repo is this draft, whatever was put into it since: the same
 *  place in the account, for the same. */
export function isDraftOf(there: Transfer, draft: Transfer): boolean {
  const [one, other] = [there, draft].map(({ ledger, epoch, seq, prev, kind, ...rest }) => {
    const { credits, evidence } = rest
    const place = { ledger, epoch, seq, ...(prev !== undefined && { prev }) }
    return encodeRecord({ ...place, kind, credits, ...(evidence && { evidence }) })
  })
  return sameBytes(one!, other!)
}
