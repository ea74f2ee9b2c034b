import type { Epoch } from '../../src/tokens/epoch.ts'
import { decodeRecord, encodeRecord, sameBytes } from '../../src/tokens/encoding.ts'
import type { Person } from '../../src/tokens/pool-rules.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import type { Replica } from './replica.ts'

/** What is wrong with a vote for a transfer at this moment, by the protocol's text; undefined when
 *  a validator may give it. */
export function faultOfLock(
  { account, transfer, bytes }: ReadTransfer,
  at: {
    readonly epoch: Epoch
    readonly replica: Replica
    readonly persons: ReadonlyMap<string, Person>
    readonly observedAt: string
  },
): string | undefined {
  const { epoch, replica, observedAt } = at
  const { seq, head, balance } = replica.of(account)
  const sum = transfer.credits.reduce((all, { amount }) => all + BigInt(amount), 0n)
  if (transfer.epoch !== epoch.epoch) return `I3: epoch ${transfer.epoch} in ${epoch.epoch}`
  if (transfer.seq !== seq + 1) return `I5: number ${transfer.seq} after ${seq}`
  if (transfer.prev !== head) return `I5: prev ${transfer.prev}, head ${head}`
  if (sum > balance) return `I2: ${sum} of ${balance}`
  if (transfer.validUntil !== undefined && transfer.validUntil < observedAt) return 'expired'
  const decoded = decodeRecord(bytes)
  if (!decoded.ok || !sameBytes(encodeRecord(decoded.value as object), bytes)) {
    return 'I12: the record encodes to other bytes'
  }
  return faultOfSplit(transfer, epoch) ?? faultOfMint(account, transfer, at)
}

function faultOfSplit(transfer: ReadTransfer['transfer'], epoch: Epoch): string | undefined {
  const policy = epoch.params.splits.find(({ name }) => name === transfer.splitPolicy)
  if (!policy) return transfer.splitPolicy === undefined ? undefined : 'I11: no such policy'
  const legs = transfer.credits.filter(({ role }) => role !== 'fee')
  const sum = legs.reduce((all, { amount }) => all + BigInt(amount), 0n)
  let left = sum
  for (const { role, basisPoints } of policy.legs) {
    if (role === policy.residual) continue
    const share = (sum * BigInt(basisPoints)) / 10_000n
    const given = legs.find((leg) => leg.role === role)?.amount ?? 0
    if (BigInt(given) !== share) return `I11: ${role} has ${given}, due is ${share}`
    left -= share
  }
  const rest = BigInt(legs.find((leg) => leg.role === policy.residual)?.amount ?? 0)
  return rest === left ? undefined : `I11: the residual leg has ${rest}, due is ${left}`
}

function faultOfMint(
  account: string,
  transfer: ReadTransfer['transfer'],
  at: Parameters<typeof faultOfLock>[1],
): string | undefined {
  const { feeAccount } = at.epoch.params
  const pools = new Map(at.epoch.grants.flatMap((one) => (one.pool ? [[one.pool, one]] : [])))
  const stray = transfer.credits.find(({ to, role }) => {
    return pools.has(to) && !(role === 'fee' && to === feeAccount)
  })
  if (stray) return `I10: the pool ${stray.to} receives`
  const pool = pools.get(account)
  if (!pool) return undefined
  if (pool.kind !== transfer.kind) return `I15: ${transfer.kind} out of ${pool.kind}`
  for (const { to, amount } of transfer.credits) {
    const given = at.replica.given(account, to) + BigInt(amount)
    const bucket = pool.bucketCaps?.[at.persons.get(to)?.bucket ?? 0]
    for (const cap of [bucket, pool.perRecipientCap]) {
      if (cap !== undefined && given > BigInt(cap)) return `I15: ${to} has ${given} of ${cap}`
    }
  }
  return undefined
}
