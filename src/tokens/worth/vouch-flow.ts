import type { VouchGraph } from './vouch-graph.ts'

/**
 * The accounts that a flow of integers from the seeds over the vouches can reach, in their order.
 * An account of capacity c takes one unit for itself and passes at most c − 1 on; each seed is
 * given its capacity. As many are accepted as any flow can serve (Advogato's trust metric, a
 * maximum flow over the graph with each account split in two,
 * https://www.advogato.org/trust-metric.html).
 *
 * Which ones does not hang on the algorithm: accounts are taken nearest first, then by DID, and
 * each is accepted when all accepted before it and it can be served together. Sets that can be
 * served together are a gammoid, a matroid, so this greedy choice is a largest one. At most `most`.
 *
 * Each account costs one search against the flow, from it towards the seeds. What a search that
 * fails has seen is closed: no unit can enter it from outside, and since none passes through it
 * later either, it is never searched again. So all failures together look at each vouch once or
 * twice, and the time is at most (accepted + 2) · (accounts + vouches).
 */
export function served(
  graph: VouchGraph,
  capacity: (account: number) => number,
  most: number,
): number[] {
  const flow = createFlow(graph, capacity)
  const order = graph.dids
    .map((_, n) => n)
    .filter((n) => graph.distance[n]! >= 0)
    .toSorted((a, b) => graph.distance[a]! - graph.distance[b]! || a - b)
  const accepted: number[] = []
  for (const account of order) {
    if (accepted.length >= most) break
    if (serve(flow, account)) accepted.push(account)
  }
  return accepted.toSorted((a, b) => a - b)
}

/** Account n in front of its capacity is place 2n, behind it 2n + 1. */
const inOf = (account: number) => 2 * account
const outOf = (account: number) => 2 * account + 1
const isIn = (place: number) => place % 2 === 0
const accountOf = (place: number) => place >> 1

/** The way between the two places of one account. */
const INSIDE = -1
/** Seen by a search that has failed. */
const CLOSED = -1

type Flow = {
  readonly graph: VouchGraph
  readonly capacity: (account: number) => number
  readonly incoming: ReturnType<typeof incomingOf>
  /** Units over each vouch, and through each account to others. */
  readonly over: Int32Array
  readonly through: Int32Array
  /** By place, the number of the search that has seen it last, and how many ways it has tried. */
  readonly seen: Int32Array
  readonly tried: Int32Array
  search: number
  /** The places from the account searched for to where the search is, and the vouch that leads to
   *  each, or INSIDE. */
  readonly stack: number[]
  readonly ways: number[]
}

function createFlow(graph: VouchGraph, capacity: (account: number) => number): Flow {
  const places = 2 * graph.dids.length
  return {
    graph,
    capacity,
    incoming: incomingOf(graph),
    over: new Int32Array(graph.to.length),
    through: new Int32Array(graph.dids.length),
    seen: new Int32Array(places),
    tried: new Int32Array(places),
    search: 0,
    stack: [],
    ways: [],
  }
}

/** Gives the account a unit if there is a way for one, with what was given before moved where that
 *  makes room. */
function serve(flow: Flow, account: number): boolean {
  const { stack, ways, seen } = flow
  flow.search += 1
  stack.length = 0
  ways.length = 0
  if (!enter(flow, inOf(account), INSIDE)) return false
  const trail = [inOf(account)]
  while (stack.length > 0) {
    const place = stack.at(-1)!
    if (isIn(place) && flow.graph.distance[accountOf(place)] === 0) {
      book(flow)
      return true
    }
    if (isIn(place) ? stepFromIn(flow, place) : stepFromOut(flow, place)) trail.push(stack.at(-1)!)
    else {
      stack.pop()
      ways.pop()
    }
  }
  for (const place of trail) seen[place] = CLOSED
  return false
}

/** Goes on to a place from which one more unit could come to this one; false if none is left. */
function stepFromIn(flow: Flow, place: number): boolean {
  const { graph, incoming, tried, through } = flow
  const account = accountOf(place)
  const [first, end] = [incoming.start[account]!, incoming.start[account + 1]!]
  while (first + tried[place]! < end) {
    const vouch = incoming.vouches[first + tried[place]!]!
    tried[place]! += 1
    if (enter(flow, outOf(graph.from[vouch]!), vouch)) return true
  }
  // One unit that goes through the account less, and it has one to spare.
  return through[account]! > 0 && enter(flow, outOf(account), INSIDE)
}

function stepFromOut(flow: Flow, place: number): boolean {
  const { graph, capacity, tried, through, over } = flow
  const account = accountOf(place)
  const isFree = through[account]! < capacity(account) - 1
  if (isFree && enter(flow, inOf(account), INSIDE)) return true
  const [first, end] = [graph.start[account]!, graph.start[account + 1]!]
  while (first + tried[place]! < end) {
    const vouch = first + tried[place]!
    tried[place]! += 1
    // One unit less to this person, who then needs one from elsewhere.
    if (over[vouch]! > 0 && enter(flow, inOf(graph.to[vouch]!), vouch)) return true
  }
  return false
}

function enter(flow: Flow, place: number, way: number): boolean {
  const { seen, tried, search, stack, ways } = flow
  if (seen[place] === search || seen[place] === CLOSED) return false
  seen[place] = search
  tried[place] = 0
  stack.push(place)
  ways.push(way)
  return true
}

/** Sends a unit along the way that was found. */
function book({ stack, ways, through, over }: Flow): void {
  for (let n = 1; n < stack.length; n += 1) {
    const [place, way] = [stack[n]!, ways[n]!]
    if (way === INSIDE) through[accountOf(place)]! += isIn(place) ? 1 : -1
    else over[way]! += isIn(place) ? -1 : 1
  }
}

/** The vouches for each account by who can be reached from a seed, the nearest of these first. */
function incomingOf({ dids, from, to, distance }: VouchGraph) {
  const near = Array.from(from.keys())
    .filter((vouch) => distance[from[vouch]!]! >= 0)
    .toSorted((a, b) => distance[from[a]!]! - distance[from[b]!]! || a - b)
  const start = new Int32Array(dids.length + 1)
  for (const vouch of near) start[to[vouch]! + 1]! += 1
  for (let n = 0; n < dids.length; n += 1) start[n + 1]! += start[n]!
  const vouches = new Int32Array(near.length)
  const at = start.slice()
  for (const vouch of near) {
    const person = to[vouch]!
    vouches[at[person]!] = vouch
    at[person]! += 1
  }
  return { start, vouches }
}
