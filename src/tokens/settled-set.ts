import { fromBytes } from '@atcute/cbor'
import type { Account } from './account.ts'
import { sameBytes } from './encoding.ts'
import type { Handover } from './epoch.ts'
import { settledTree } from './state-root.ts'
import type { TokenCrypto } from './token-crypto.ts'
import type { ReadTransfer } from './transfer.ts'

/** Leaves that are hashed in search of a set before it is given up, so that who publishes many
 *  promises that were not settled cannot keep a node busy. */
const LEAVES_MAX = 100_000
const TRIES_MIN = 16
/** Accounts that may have come to different ends. */
const OPEN_MAX = 500

type Parts = {
  readonly opening: ReadonlyMap<string, Pick<Account, 'seq' | 'head'>>
  /** Transfers that count for sure, with all before them in their accounts. */
  readonly sure: readonly ReadTransfer[]
  /** Others that a quorum has signed something of; any of them may be settled or not. */
  readonly others: readonly ReadTransfer[]
  readonly handover: Pick<Handover, 'settledRoot' | 'settledCount'>
}

/** Where an account may have come to: how many transfers beyond what is sure, and the last. */
type End = { readonly more: number; readonly last?: Step }
type Step = { readonly read: ReadTransfer; readonly before?: Step }

/**
 * The transfers that an epoch has settled, of those known here, or undefined when some are missing
 * or too many sets are possible. The root of the next epoch tells which, so the possible sets are
 * tried, as many as the bound allows, those with the longest histories first.
 */
export function settledSet(crypto: TokenCrypto, parts: Parts): ReadTransfer[] | undefined {
  const { settledCount, settledRoot } = parts.handover
  const { sure, open } = endsOf(parts)
  const due = settledCount - sure.length
  if (due < 0 || open.length > OPEN_MAX) return undefined
  const root = fromBytes(settledRoot)
  let tries = Math.max(TRIES_MIN, Math.floor(LEAVES_MAX / Math.max(1, settledCount)))
  for (const ends of choices(open, mostAfter(open), due)) {
    if ((tries -= 1) < 0) return undefined
    const all = [...sure, ...ends.flatMap(historyOf)]
    if (sameBytes(settledTree(crypto, all.map(placeOf)).root, root)) return all
  }
  return undefined
}

/** Where a transfer stands in the tree of what is settled. */
export function placeOf({ account, transfer: { seq }, id }: ReadTransfer) {
  return { account, seq, transfer: id }
}

/** What is in every possible set, and of each account with more where it may have come to. */
function endsOf({ opening, sure: given, others }: Parts) {
  const isSure = new Set(given.map(({ id }) => id))
  const sure: ReadTransfer[] = []
  const open: End[][] = []
  for (const [account, all] of Map.groupBy([...given, ...others], (read) => read.account)) {
    const next = Map.groupBy(all, ({ transfer }) => `${transfer.seq} ${transfer.prev ?? ''}`)
    const { seq = 0, head } = opening.get(account) ?? {}
    const after = (number: number, id = '') => next.get(`${number + 1} ${id}`) ?? []
    const kept: ReadTransfer[] = []
    const ends: End[] = [{ more: 0 }]
    const steps: Step[] = after(seq, head).map((read) => ({ read }))
    for (let step = steps.shift(); step; step = steps.shift()) {
      const { read } = step
      if (isSure.has(read.id)) {
        // All that leads to it counts; what began elsewhere does not.
        kept.push(...historyOf({ more: 0, last: step }))
        ends.splice(1)
        steps.splice(0)
      } else ends.push({ more: read.transfer.seq - seq - kept.length, last: step })
      const from = isSure.has(read.id) ? {} : { before: step }
      steps.push(...after(read.transfer.seq, read.id).map((one) => ({ read: one, ...from })))
    }
    sure.push(...kept)
    if (ends.length > 1) open.push(ends.toReversed())
  }
  return { sure, open }
}

/** The transfers that an account has come to an end by, in order. */
function historyOf({ last }: End): ReadTransfer[] {
  const history: ReadTransfer[] = []
  for (let step = last; step; step = step.before) history.push(step.read)
  return history.toReversed()
}

/** The most that may come of each account and all after it. */
function mostAfter(open: readonly (readonly End[])[]): number[] {
  const most = [0]
  for (const ends of open.toReversed()) most.unshift(most[0]! + ends[0]!.more)
  return most
}

/** Every way to come to so many in all, an end of each account. */
function* choices(
  open: readonly (readonly End[])[],
  most: readonly number[],
  due: number,
  from = 0,
): Generator<End[]> {
  const ends = open[from]
  if (!ends) {
    if (due === 0) yield []
    return
  }
  for (const end of ends) {
    const left = due - end.more
    if (left < 0 || left > most[from + 1]!) continue
    for (const rest of choices(open, most, left, from + 1)) yield [end, ...rest]
  }
}
