import { toBytes } from '@atcute/cbor'
import { cidOfBytes, encodeRecord } from '../encoding.ts'
import { type Epoch, type Params, type ReadEpoch, committeeOf, readEpoch } from '../epoch.ts'
import { type Grant, grantedBy } from '../grants.ts'
import type { Person } from '../pool-rules.ts'
import { type Refusal, isRefusal, refuse } from '../refusal.ts'
import type { Seal } from '../seal.ts'
import type { TokenCrypto } from '../token-crypto.ts'
import { type Choices, changedParams, checkPool } from './epoch-choices.ts'
import { nodeRewards } from './node-rewards.ts'
import { SNAPSHOT_BYTES_MAX, type Snapshot, personsOf, snapshotOf } from './personhood.ts'
import { readInstant } from './read-instant.ts'
import { type VouchRecord, countedVouches } from './vouch-budget.ts'

/** A vouch; of one that names no ledger it is for all. */
export type KnownVouch = VouchRecord & { readonly ledger?: string }

/** What a plan is made of. */
export type PlanInput = {
  /** The epoch that the planned one follows. */
  readonly before: ReadEpoch
  readonly choices: Choices
  /** The epoch before that one, and the seals on it as they were read. */
  readonly sealed?: {
    readonly epoch: ReadEpoch
    readonly seals: readonly { readonly seal: Seal; readonly cid: string }[]
  }
  readonly vouches: Iterable<KnownVouch>
  /** did:key that somebody witnesses with, by DID. */
  readonly keys?: ReadonlyMap<string, string>
  /** milliseconds since 1970 */
  readonly now: number
}

/** What an epoch is to bring, and what it comes to. */
export type EpochPlan = {
  readonly ok: true
  readonly grants: readonly Grant[]
  readonly params: Params
  readonly personhood?: { readonly cid: string; readonly record: Snapshot }
  readonly told: {
    readonly epoch: number
    readonly granted: bigint
    /** Of the node rewards, micro-tokens that nobody gets. */
    readonly unearned: bigint
    /** Most that there can be once it has begun: what the epoch before burns is not known yet. */
    readonly supplyMost: bigint
    readonly persons: number
    readonly clusters: number
  }
}

const HOUR = 3_600_000

/**
 * Plans what the next epoch grants, from what governance has decided, the seals and the vouches:
 * the same input gives the same plan, whatever the order of vouches and seals. Budgets and gifts as
 * decided, node rewards outright by the seals of the last epoch that has ended, and the snapshot of
 * persons that witnesses and caps go by.
 *
 * Node rewards are for the epoch that `before` has ended, by just those seals that `before` names,
 * so that everybody can repeat them: the seals of `before` itself do not exist until it ends, which
 * takes the plan. No epoch is paid for twice. An hour in which nobody paid is nobody's.
 *
 * Refuses what the choices do not allow or the ledger would not take: budgets without conditions,
 * more than their total, more than the supply cap leaves even if nothing burns, a snapshot that is
 * too large, and whatever `readEpoch` refuses.
 */
export function planEpoch(crypto: TokenCrypto, input: PlanInput): EpochPlan | Refusal {
  const { before, choices } = input
  const { pools = [], gifts = [] } = choices
  const persons = countPersons(input)
  const clusters = persons && witnessClusters(persons)
  for (const pool of pools) {
    const fault = checkPool(pool, clusters)
    if (fault) return fault
  }
  const earned = earnedBy(input)
  if (isRefusal(earned)) return earned
  const given = gifts.map((gift): Grant => ({ kind: 'system_grant', ...gift }))
  const grants = [...pools, ...given, ...earned.grants]
  const granted = grantedBy(grants)
  const budget = granted + earned.unearned
  if (choices.total !== undefined && budget > BigInt(choices.total)) {
    return refuse('BadGrant', `${budget} micro-tokens are planned, the total is ${choices.total}`)
  }
  const epoch = before.epoch.epoch + 1
  const personhood = persons && pinned(crypto, snapshotOf(epoch, persons, ledgerOf(before)))
  if (isRefusal(personhood)) return personhood
  const params = changedParams(before.epoch.params, choices.params)
  const draft = draftAfter(before, grants, params, personhood?.cid)
  const fault = readEpoch(crypto, encodeRecord(draft))
  if (isRefusal(fault)) return fault
  const supplyMost = BigInt(draft.handover!.supply) + granted
  const counts = { persons: persons?.length ?? 0, clusters: clusters ?? 0 }
  const told = { epoch, granted, unearned: earned.unearned, supplyMost, ...counts }
  return { ok: true, grants, params, ...(personhood && { personhood }), told }
}

function ledgerOf(before: ReadEpoch): string {
  return committeeOf(before).ledger
}

/** The persons that the vouches make, where governance has them counted. */
export function countPersons({
  before,
  choices,
  vouches,
  keys,
  now,
}: Omit<PlanInput, 'sealed'>): Person[] | undefined {
  if (!choices.persons) return undefined
  const { vouches: budget, ...how } = choices.persons
  const ledger = ledgerOf(before)
  const meant = [...vouches].filter((one) => one.ledger === undefined || one.ledger === ledger)
  const counted = countedVouches(meant, now, budget)
  const persons = personsOf({ ...how, vouches: counted, ...(keys && { keys }) })
  // Who has one key in two accounts is one hand: such a key witnesses for nobody.
  const owners = Map.groupBy(persons, ({ key }) => key)
  return persons.map(({ key, ...person }) =>
    key === undefined || owners.get(key)!.length > 1 ? person : { ...person, key },
  )
}

function witnessClusters(persons: readonly Person[]): number {
  return new Set(persons.filter(({ key }) => key !== undefined).map((one) => one.cluster)).size
}

/** What validators have earned, and what of it nobody has. */
function earnedBy(
  input: PlanInput,
): { readonly grants: readonly Grant[]; readonly unearned: bigint } | Refusal {
  const { before, choices, sealed } = input
  if (!choices.nodeRewards) return { grants: [], unearned: 0n }
  const { handover } = before.epoch
  const { amount, slots } = choices.nodeRewards
  if (!handover) return refuse('HandoverMissing', 'no epoch has ended yet that could be paid for')
  if (sealed?.epoch.id !== before.epoch.prev) {
    return refuse('WrongSeal', `the seals are due of the epoch ${before.epoch.prev ?? ''}`)
  }
  const seals = handover.seals.map(({ validator, cid }) =>
    sealed!.seals.find((one) => one.seal.validator === validator && one.cid === cid),
  )
  const missing = handover.seals.find((_, n) => seals[n] === undefined)
  if (missing) return refuse('WrongSeal', `the seal of ${missing.validator} is not here`)
  const { rewards, burned } = nodeRewards({
    validators: sealed!.epoch.epoch.validators.map(({ did }) => ({
      did,
      reported: seals.flatMap((one) => reportOf(one!.seal, did)),
    })),
    seals: seals.length,
    slots: slots ?? hoursOf(sealed!.epoch.epoch, before.epoch),
    pool: BigInt(amount),
  })
  const grants = rewards.map(({ to, amount: due }): Grant => {
    return { kind: 'node_reward', to, amount: Number(due) }
  })
  return { grants, unearned: burned }
}

/** A seal that names somebody twice counts once. */
function reportOf({ participation }: Seal, did: string): number[] {
  const found = participation.find(({ validator }) => validator === did)
  return found ? [found.slots] : []
}

/** In how many hours of the clock an epoch was open, until the next one was made. */
function hoursOf(epoch: Pick<Epoch, 'createdAt'>, next: Pick<Epoch, 'createdAt'>): number {
  const [from, to] = [epoch, next].map(({ createdAt }) =>
    Math.trunc((readInstant(createdAt) ?? 0) / HOUR),
  ) as [number, number]
  return Math.max(to - from + 1, 0)
}

function pinned(crypto: TokenCrypto, record: Snapshot): EpochPlan['personhood'] | Refusal {
  const bytes = encodeRecord(record)
  if (bytes.length <= SNAPSHOT_BYTES_MAX) return { cid: cidOfBytes(crypto, bytes), record }
  const detail = `a snapshot of ${bytes.length} bytes; say with persons.most how many it holds`
  return refuse('TooLarge', detail)
}

/** The next epoch as if nothing of the one before burned, with roots of nothing: what is wrong with
 *  it by itself is wrong with the real one. */
function draftAfter(
  before: ReadEpoch,
  grants: readonly Grant[],
  params: Params,
  personhood: string | undefined,
): Epoch {
  const { handover: _, personhood: __, signatures: ___, ...epoch } = before.epoch
  const zero = toBytes(new Uint8Array(32))
  const supply = Number(BigInt(before.epoch.handover?.supply ?? 0) + grantedBy(epoch.grants))
  return {
    ...epoch,
    ledger: ledgerOf(before),
    epoch: epoch.epoch + 1,
    prev: before.id,
    grants,
    params,
    ...(personhood !== undefined && { personhood }),
    handover: {
      seals: [{ validator: epoch.validators[0]!.did, cid: before.id }],
      stateRoot: zero,
      settledRoot: zero,
      settledCount: 0,
      supply,
      burned: 0,
    },
    signatures: [],
  }
}
