import type { Account } from '../../src/tokens/account.ts'
import type { Subject } from '../../src/tokens/attestation.ts'
import type { Epoch } from '../../src/tokens/epoch.ts'
import type { KeptBatch } from '../../src/tokens/ledger-store.ts'
import type { Change, EpochPhase } from '../../src/tokens/ledger-view.ts'
import type { Person } from '../../src/tokens/pool-rules.ts'
import type { Outcome } from '../../src/tokens/settle.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import { faultOfLock } from './judge.ts'
import { type Replica, createReplica } from './replica.ts'

/** What has become of a number of an account in an epoch: who has voted for which transfer. */
type Slot = Map<string, { readonly lock: Set<string>; readonly apply: Set<string> }>

/** Who validates an epoch, as the oracle counts them. */
type Bench = {
  readonly epoch: Epoch
  readonly members: number
  readonly liars: number
  /** Everything that an honest validator has applied in it. */
  readonly union: Replica
  readonly applied: Set<string>
  /** Transfers that a quorum may have applied, by account and number. */
  readonly final: Map<string, string>
  closed?: ReadonlySet<string>
}

/** What an honest validator has and has said. */
type Watched = { epoch: number; phase: EpochPhase; replica: Replica; known: Set<string> }

type Opening = ReadonlyMap<string, Account>
type Made = {
  readonly epoch: Epoch
  readonly id: string
  readonly liars: number
  readonly opening: Opening
  readonly ended?: Outcome
}

/** Knows the truth, and keeps what was found against it. */
export type Oracle = {
  readonly breaches: string[]
  breach(text: string): void
  /** An epoch has the signatures it needs; `ended` is how the one before came out. */
  published(made: Made): void
  entered(validator: string, epoch: number, opening: Opening): void
  phase(validator: string, phase: EpochPhase): void
  /** An honest validator's disk has taken this. */
  stored(validator: string, group: readonly (Change | KeptBatch)[]): void
  /** It comes back with what its disk has. */
  recovered(validator: string, groups: readonly (readonly (Change | KeptBatch)[])[]): void
  /** An honest validator has signed. */
  signed(validator: string, about: Subject): void
  /** It has signed which epoch follows. */
  signedHandover(validator: string, epoch: number, id: string): void
  /** Whether a quorum may have applied, or voted for, a transfer. */
  isFinal(read: ReadTransfer): boolean
  isCertified(read: ReadTransfer): boolean
  replicaOf(validator: string): Replica
}

/** Makes an oracle. `read` gives the transfer of a record that a validator has kept. */
export function createOracle(parts: {
  readonly read: (account: string, record: Uint8Array) => ReadTransfer
  readonly persons: ReadonlyMap<string, Person>
  /** A validator has an account below zero, until it hears of a credit. */
  readonly lagging: () => void
}): Oracle {
  const breaches: string[] = []
  const benches: Bench[] = []
  const ids: string[] = []
  const slots = new Map<string, Slot>()
  const settled = new Map<string, string>()
  const watched = new Map<string, Watched>()
  const handovers = new Map<string, Set<string>>()
  const promised = new Map<string, string>()
  const breach = (text: string): void => void breaches.push(text)
  const votesOf = (epoch: number, account: string, seq: number, id: string) => {
    const name = `${epoch} ${account} ${seq}`
    const slot = slots.get(name) ?? new Map()
    slots.set(name, slot)
    const votes = slot.get(id) ?? { lock: new Set<string>(), apply: new Set<string>() }
    slot.set(id, votes)
    return { slot: slot as Slot, votes: votes as { lock: Set<string>; apply: Set<string> } }
  }
  const isQuorum = (epoch: number, honest: number): boolean => {
    const { members, liars } = benches[epoch]!
    return honest + liars >= quorumByText(members)
  }
  const signedLock = (validator: string, about: Subject): void => {
    const { epoch, account, seq, transfer: id } = about
    const { slot, votes } = votesOf(epoch, account, seq, id)
    for (const [other, { lock }] of slot) {
      if (other !== id && lock.has(validator)) {
        breach(`I4: ${validator} votes for ${id} and for ${other} at ${seq} of ${account}`)
      }
    }
    votes.lock.add(validator)
    const certified = [...slot.values()].filter(({ lock }) => isQuorum(epoch, lock.size))
    if (certified.length > 1) breach(`I3: two certificates at ${seq} of ${account}, ${epoch}`)
  }
  const signedApply = (validator: string, about: Subject): void => {
    const { epoch, account, seq, transfer: id } = about
    const { slot, votes } = votesOf(epoch, account, seq, id)
    if (!isQuorum(epoch, votes.lock.size)) {
      breach(`I3: ${validator} applies ${id}, which ${votes.lock.size} have voted for`)
    }
    for (const [other, { apply }] of slot) {
      if (other !== id && apply.has(validator)) breach(`I4: ${validator} applies two at ${seq}`)
    }
    if (!watched.get(validator)!.known.has(id)) {
      breach(`${validator} says it has applied ${id}, and its disk has not`)
    }
    votes.apply.add(validator)
    const bench = benches[epoch]!
    if (!isQuorum(epoch, votes.apply.size)) return
    bench.final.set(`${account} ${seq}`, id)
    if (bench.closed && !bench.closed.has(id)) breach(`I7: ${id} is final, and not settled`)
  }
  const joined = (epoch: number, read: ReadTransfer): void => {
    const bench = benches[epoch]!
    if (bench.applied.has(read.id)) return
    bench.applied.add(read.id)
    const fault = bench.union.apply(read)
    if (fault) breach(fault)
    const { balance } = bench.union.of(read.account)
    if (balance < 0n) breach(`I2: ${read.account} has ${balance} by all that was applied`)
  }
  const stored = (validator: string, group: readonly (Change | KeptBatch)[]): void => {
    const { epoch, replica, known, phase } = watched.get(validator)!
    const accounts = new Map<string, Account>()
    for (const one of group) {
      if (one.change === 'account') accounts.set(one.account.did, one.account)
      else if (one.change === 'lock') {
        const { account, record, observedAt } = one.lock
        const at = { epoch: benches[epoch]!.epoch, replica, persons: parts.persons, observedAt }
        const fault = faultOfLock(parts.read(account, record), at)
        if (fault) breach(`${fault}; ${validator} votes for ${one.lock.id}`)
        if (phase !== 'open') breach(`a new vote while ${phase}`)
      } else if (one.change === 'applied') {
        const read = parts.read(one.applied.account, one.applied.record)
        const fault = known.has(read.id) ? `I6: ${read.id} applied twice` : replica.apply(read)
        if (fault) breach(`${fault} at ${validator}`)
        if (phase === 'sealed') breach('applied after the seal')
        if (replica.of(read.account).balance < 0n) parts.lagging()
        known.add(read.id)
        joined(epoch, read)
      }
    }
    for (const account of accounts.values()) {
      const { seq, head, balance } = replica.of(account.did)
      if (seq !== account.seq || head !== account.head || balance !== account.balance) {
        const found = `${account.seq} ${account.balance}, it is ${seq} ${balance}`
        breach(`I1/I6/I8: ${validator} has of ${account.did} ${found}`)
      }
    }
  }
  const entered = (validator: string, epoch: number, opening: Opening): void => {
    const replica = createReplica(opening.values())
    watched.set(validator, { epoch, phase: 'open', replica, known: new Set() })
    const due = benches[epoch]!.epoch
    const granted = due.grants.reduce((all, { amount }) => all + BigInt(amount), 0n)
    const supply = BigInt(due.handover?.supply ?? 0) + granted
    if (replica.sum() !== supply) breach(`I10: ${replica.sum()} instead of ${supply} in ${epoch}`)
  }
  return {
    breaches,
    breach,
    published({ epoch, id, liars, opening, ended }) {
      const number = epoch.epoch
      if (ids[number] !== undefined && ids[number] !== id) return breach(`I7: two epochs ${number}`)
      ids[number] = id
      const before = benches[number - 1]
      if (before && ended) {
        for (const fault of faultsOfEnd(before, ended, settled)) breach(fault)
        before.closed = new Set(ended.settled.map(({ transfer }) => transfer))
      }
      benches[number] = {
        epoch,
        members: epoch.validators.length,
        liars,
        union: createReplica(opening.values()),
        applied: new Set(),
        final: new Map(),
      }
    },
    entered,
    phase: (validator, phase) => void (watched.get(validator)!.phase = phase),
    stored,
    recovered(validator, groups) {
      const watch = watched.get(validator)!
      const lost = [...watch.known]
      const reads = groups.flat().flatMap((one) => (one.change === 'applied' ? [one.applied] : []))
      watch.known = new Set(reads.map(({ id }) => id))
      if (lost.some((id) => !watch.known.has(id))) breach(`${validator} has lost what it applied`)
    },
    signed(validator, about) {
      if (about.phase === 'lock') signedLock(validator, about)
      else signedApply(validator, about)
    },
    signedHandover(validator, epoch, id) {
      const name = `${validator} ${epoch}`
      if ((promised.get(name) ?? id) !== id) breach(`I7: ${validator} signs two handovers`)
      promised.set(name, id)
      const signers = handovers.get(`${epoch} ${id}`) ?? new Set<string>()
      handovers.set(`${epoch} ${id}`, signers.add(validator))
    },
    isFinal: (read) => {
      const { account, transfer, id } = read
      return benches[transfer.epoch]?.final.get(`${account} ${transfer.seq}`) === id
    },
    isCertified(read) {
      const { account, transfer, id } = read
      const slot = slots.get(`${transfer.epoch} ${account} ${transfer.seq}`)
      return isQuorum(transfer.epoch, slot?.get(id)?.lock.size ?? 0)
    },
    replicaOf: (validator) => watched.get(validator)!.replica,
  }
}

/** The least number of which any two sets share an honest validator, with as many liars as may be:
 *  fewer than a third. */
function quorumByText(members: number): number {
  const liars = Math.floor((members - 1) / 3)
  return Math.floor((members + liars) / 2) + 1
}

/** What is wrong with the end of an epoch: something final was left out, something was settled that
 *  no honest validator has applied, a number was settled twice, or the sums are not right. */
function faultsOfEnd(bench: Bench, ended: Outcome, settled: Map<string, string>): string[] {
  const faults: string[] = []
  const ids = new Set(ended.settled.map(({ transfer }) => transfer))
  for (const id of bench.final.values()) if (!ids.has(id)) faults.push(`I7: ${id} is undone`)
  for (const { account, seq, transfer } of ended.settled) {
    const name = `${account} ${seq}`
    if (settled.has(name)) faults.push(`I3: ${name} is settled twice`)
    settled.set(name, transfer)
  }
  const before = BigInt(bench.epoch.handover?.supply ?? 0)
  const granted = bench.epoch.grants.reduce((all, { amount }) => all + BigInt(amount), 0n)
  if (ended.supply + ended.burned !== before + granted) {
    faults.push(`I1: ${ended.supply} and ${ended.burned} burned of ${before} and ${granted}`)
  }
  const given = new Map<string, bigint>()
  for (const { pool, amount } of bench.epoch.grants) {
    if (pool !== undefined) given.set(pool, BigInt(amount))
  }
  for (const [pool, amount] of given) {
    const spent = [...bench.union.accounts.keys()].reduce(
      (all, to) => all + bench.union.given(pool, to),
      0n,
    )
    if (spent > amount) faults.push(`I15: ${pool} has given ${spent} of ${amount}`)
  }
  const left = [...ended.accounts.values()].find(({ balance }) => balance < 0n)
  if (left) faults.push(`I2: ${left.did} ends with ${left.balance}`)
  return faults
}
