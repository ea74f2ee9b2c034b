/** What the seals of an epoch say of one validator. */
export type Participation = {
  readonly did: string
  /** The slots it took part in, as each seal has counted them. */
  readonly reported: readonly number[]
}

/** A validator's part of the pool, micro-tokens, at least 1. */
export type NodeReward = { readonly to: string; readonly amount: bigint }

/**
 * Shares an epoch's pool of node rewards by availability: of n validators each has an n-th of the
 * pool, times the slots it took part in, out of all slots; rounded down, and what is left burns.
 * So nobody gains by others' absence, nor by making transfers. Sorted by DID.
 *
 * The slots of a validator are the lower median of what `seals` seals report. With q = 2f + 1 or
 * more of them, of which f lie, it lies between what two honest ones have counted. A report that is
 * missing is a zero, as is one that is no integer; more than all slots are all slots.
 *
 * Throws RangeError for what only a mistake can be: a validator twice, more reports than seals.
 */
export function nodeRewards(input: {
  readonly validators: readonly Participation[]
  readonly seals: number
  readonly slots: number
  /** micro-tokens */
  readonly pool: bigint
}): { readonly rewards: readonly NodeReward[]; readonly burned: bigint } {
  const { validators, seals, slots, pool } = input
  const dids = new Set(validators.map((one) => one.did))
  if (dids.size !== validators.length) throw new RangeError('a validator twice')
  const rewards: NodeReward[] = []
  let burned = pool
  for (const { did: to, reported } of validators.toSorted((a, b) => (a.did < b.did ? -1 : 1))) {
    const taken = slots > 0 ? medianSlots(reported, seals, slots) : 0
    if (taken === 0) continue
    const amount = (pool * BigInt(taken)) / (BigInt(slots) * BigInt(validators.length))
    if (amount > 0n) rewards.push({ to, amount })
    burned -= amount
  }
  return { rewards, burned }
}

function medianSlots(reported: readonly number[], seals: number, slots: number): number {
  if (reported.length > seals) throw new RangeError(`${reported.length} reports, ${seals} seals`)
  if (seals === 0) return 0
  const all = [...reported, ...Array.from({ length: seals - reported.length }, () => 0)]
  const counts = all.map((one) => (Number.isSafeInteger(one) && one > 0 ? Math.min(one, slots) : 0))
  return counts.toSorted((a, b) => a - b)[Math.floor((seals - 1) / 2)]!
}
