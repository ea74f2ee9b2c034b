import type { Person } from '../pool-rules.ts'
import { did as didShape } from '../shape.ts'
import type { Vouch } from './vouch-budget.ts'
import { served } from './vouch-flow.ts'
import { vouchGraph } from './vouch-graph.ts'

/** The collection of snapshots of persons, in the repo of the network's governance DID. */
export const PERSONHOOD = 'co.kendev.tokens.personhood'

/** How many units an account is given at most, by its steps from the nearest seed: one for itself,
 *  the others to pass on. Farther away than these nobody is accepted. */
export const CAPACITIES: readonly number[] = [800, 200, 50, 12, 4, 2, 1]

/** Most persons of a snapshot, which is one record. */
export const PERSONS_MAX = 5_000

/** The largest snapshot, canonical bytes: as many persons as there may be, with names and keys of
 *  the usual length. */
export const SNAPSHOT_BYTES_MAX = 800_000

/** The longest name of a cluster. */
export const CLUSTER_MAX = 64

/** The record of a snapshot, but for when it was made. */
export type Snapshot = {
  readonly $type: typeof PERSONHOOD
  /** CID of the first epoch. */
  readonly ledger?: string
  readonly epoch: number
  /** In the order of their DIDs. */
  readonly persons: readonly Person[]
}

/**
 * Who counts as a person, by vouches alone: Advogato's flow of integers from the seeds that
 * governance names (`served` in vouch-flow.ts says who is taken when not all can be). The same
 * seeds and vouches, in any order, give the same persons. Fit input is what `countedVouches`
 * leaves; DIDs that no account has are left out. Seeds are always accepted, as far as `most`.
 *
 * **Bucket**: 5 for seeds, then 4, 3, 2 for one, two and three steps away, 1 for all farther ones.
 * Nobody accepted has 0, which is that of whoever is in no snapshot.
 * **Cluster**: a seed and an account that a seed vouches for are each their own; anybody else is of
 * the cluster of the smallest DID among those that vouch for it and are one step nearer. It is
 * named by that DID; what is longer than 64 characters is cut, so two such may be one cluster.
 *
 * **What bounds false accounts.** Let S be any set of accounts without a seed. All units for S
 * come in over vouches of accounts h outside S for accounts s in S. One h passes on at most
 * c(h) − 1 units over all its vouches together, and one s takes in at most c(s). So of S at most
 * Σ min(c(h) − 1, Σ c(s)) are accepted, summed over the *different* h, and within over the s that
 * h vouches for, however many S has and however they vouch for one another. Nor are they of more
 * clusters than there are such vouches, since each hangs on the last way into S. c is as the graph
 * stands, false vouches in it.
 *
 * **What it does not protect from.** A seed that vouches falsely or is deceived admits up to 799,
 * its neighbour 199. It cannot tell a rented person from one who is there by themselves, nor find
 * which of the accepted are false; one person with real friends in several circles may be
 * accepted twice. False vouches for honest people shorten their way, and so raise what these pass
 * on to whom they vouch for. Where room is short, false accounts take it from honest ones at the
 * same distance: whoever makes DIDs until one is small goes first. Honest people whom no seed is
 * near to are left out. So buckets may cap what is minted; they must never weigh a vote.
 */
export function personsOf(input: {
  readonly seeds: readonly string[]
  readonly vouches: readonly Vouch[]
  /** did:key that a person witnesses with, by DID. */
  readonly keys?: ReadonlyMap<string, string>
  readonly capacities?: readonly number[]
  readonly most?: number
}): Person[] {
  const { capacities = CAPACITIES, most = PERSONS_MAX, keys } = input
  checkCapacities(capacities)
  const seeds = input.seeds.filter(isDid)
  const vouches = input.vouches.filter(({ from, to }) => isDid(from) && isDid(to))
  const graph = vouchGraph(seeds, vouches, capacities.length - 1)
  const capacity = (account: number) => capacities[graph.distance[account]!] ?? 0
  return served(graph, capacity, most).map((account) => {
    const did = graph.dids[account]!
    const key = keys?.get(did)
    const bucket = bucketOf(graph.distance[account]!)
    const cluster = clusterOf(graph.dids[graph.root[account]!]!)
    return { did, ...(key !== undefined && { key }), bucket, cluster }
  })
}

/** The snapshot of these persons, in its one form. */
export function snapshotOf(epoch: number, persons: readonly Person[], ledger?: string): Snapshot {
  const inOrder = persons.toSorted((a, b) => (a.did < b.did ? -1 : 1))
  const named = ledger === undefined ? {} : { ledger }
  return { $type: PERSONHOOD, ...named, epoch, persons: inOrder }
}

function bucketOf(distance: number): number {
  return Math.max(5 - distance, 1)
}

/** What is cut is still of the form of a DID: no dot, hyphen or part of a port ends it. */
function clusterOf(did: string): string {
  return did.length <= CLUSTER_MAX ? did : did.slice(0, CLUSTER_MAX).replace(/(?:%.*|[.-]+)$/, '')
}

function isDid(value: string): boolean {
  return didShape(value, 'did') === undefined
}

/** Capacities come from the operator, never from outside: others are a mistake. */
function checkCapacities(capacities: readonly number[]): void {
  const isSound = capacities.every((one) => Number.isInteger(one) && one >= 1 && one < 2 ** 31)
  if (capacities.length === 0 || !isSound) throw new RangeError(`capacities ${capacities.join()}`)
}
