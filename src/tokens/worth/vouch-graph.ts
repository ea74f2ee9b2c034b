import type { Vouch } from './vouch-budget.ts'

/** Accounts and vouches as integers. Account `n` is the one with the n-th smallest DID, so the
 *  order of numbers is the order of DIDs. */
export type VouchGraph = {
  readonly dids: readonly string[]
  /** Steps from the nearest seed by account: 0 for seeds, −1 where no way is short enough. */
  readonly distance: Int32Array
  /** By account, the account of distance 1 or 0 that it hangs on in the tree of shortest ways. */
  readonly root: Int32Array
  /** Vouches are numbered by voucher, then by person: `e` is of `from[e]` for `to[e]`, and those of
   *  account `n` are from `start[n]` up to `start[n + 1]`. */
  readonly start: Int32Array
  readonly from: Int32Array
  readonly to: Int32Array
}

/** The graph of all accounts, with the ways of at most `steps` vouches from a seed. Vouches for
 *  oneself or given twice are left out; the order of what is given changes nothing. */
export function vouchGraph(
  seeds: readonly string[],
  vouches: readonly Vouch[],
  steps: number,
): VouchGraph {
  const dids = sorted([...seeds, ...vouches.flatMap(({ from, to }) => [from, to])])
  const rank = new Map(dids.map((did, n) => [did, n]))
  const graph = { dids, ...numbered(rank, vouches) }
  return {
    ...graph,
    ...walk(
      graph,
      [...new Set(seeds)].map((did) => rank.get(did)!),
      steps,
    ),
  }
}

type Edges = Pick<VouchGraph, 'start' | 'from' | 'to'>

/** DIDs are ASCII, so the order of text is the order of their bytes. */
function sorted(dids: readonly string[]): string[] {
  return [...new Set(dids)].toSorted((a, b) => (a < b ? -1 : 1))
}

function numbered(rank: ReadonlyMap<string, number>, vouches: readonly Vouch[]): Edges {
  const count = rank.size
  // Voucher and person in one number: exact up to 9·10⁷ accounts.
  const pairs = new Float64Array(vouches.length)
  for (const [n, vouch] of vouches.entries()) {
    pairs[n] = rank.get(vouch.from)! * count + rank.get(vouch.to)!
  }
  const kept = pairs.toSorted().filter((pair, n, list) => {
    const isSelf = Math.floor(pair / count) === pair % count
    return !isSelf && (n === 0 || list[n - 1] !== pair)
  })
  const from = new Int32Array(kept.length)
  const to = new Int32Array(kept.length)
  const start = new Int32Array(count + 1)
  for (const [e, pair] of kept.entries()) {
    from[e] = Math.floor(pair / count)
    to[e] = pair % count
    start[from[e]! + 1]! += 1
  }
  for (let n = 0; n < count; n += 1) start[n + 1]! += start[n]!
  return { start, from, to }
}

/** Breadth-first from the seeds. Accounts of one distance go in the order of DIDs, so each hangs on
 *  the smallest DID of those that vouch for it and are one step nearer. */
function walk(
  { dids, start, to }: Edges & Pick<VouchGraph, 'dids'>,
  seeds: readonly number[],
  steps: number,
): Pick<VouchGraph, 'distance' | 'root'> {
  const distance = new Int32Array(dids.length).fill(-1)
  const root = new Int32Array(dids.length).fill(-1)
  let level = seeds.toSorted((a, b) => a - b)
  for (const seed of level) {
    distance[seed] = 0
    root[seed] = seed
  }
  for (let step = 1; step <= steps && level.length > 0; step += 1) {
    const next: number[] = []
    for (const one of level) {
      for (let e = start[one]!; e < start[one + 1]!; e += 1) {
        const person = to[e]!
        if (distance[person] !== -1) continue
        distance[person] = step
        root[person] = step === 1 ? person : root[one]!
        next.push(person)
      }
    }
    level = next.toSorted((a, b) => a - b)
  }
  return { distance, root }
}
