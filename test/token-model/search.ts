import { type Packing, type Symmetry, packing } from './canonical.ts'
import { BREACHES, type Breach, type Property, breaches } from './properties.ts'
import { type Protocol, type State, initialState } from './state.ts'
import { StateSet } from './state-set.ts'
import { eachStep } from './steps.ts'

/** What a search has found. */
export type Found = {
  /** states, each standing for all that differ from it by names only */
  states: number
  /** steps from state to state that were tried */
  steps: number
  /** steps that the farthest state is away from the first */
  depth: number
  /** whether every reachable state was visited */
  complete: boolean
  /** how many states break each property */
  broken: Readonly<Record<Breach, number>>
  /** the packed states of a shortest way to the one at which the search stopped */
  path: readonly number[] | null
  seen: StateSet
  packing: Packing
}

type Options = {
  /** stop at the first state of which this is true */
  until?: Property
  symmetry?: Symmetry
  /** give up when so many states are known */
  most?: number
  report?: (line: string) => void
}

const REPORT_EVERY = 1_000_000

/**
 * Visits every state that can be reached, breadth first: whatever breaks a property is found by one
 * of the shortest ways to it. Without `until` broken states are counted, and followed like others.
 */
export function search(protocol: Protocol, options: Options = {}): Found {
  const { until, most = Infinity, report } = options
  const symmetry = options.symmetry ?? 'names do not matter'
  const packed = packing(protocol, symmetry)
  const seen = new StateSet()
  const broken = Object.fromEntries(BREACHES.map((b) => [b, 0])) as Record<Breach, number>
  let [steps, depth, levelEnds] = [0, 0, 1]
  let stopped = false

  const visit = (state: State, parent: number): void => {
    if (stopped || !seen.add(packed.pack(state), parent)) return
    for (const breach of BREACHES) if (breaches[breach](protocol, state)) broken[breach] += 1
    if (until?.(protocol, state)) stopped = true
    if (report && seen.size % REPORT_EVERY === 0) report(`  ${seen.size} states, depth ${depth}`)
  }

  visit(initialState(protocol), -1)
  let at = 0
  for (; at < seen.size && !stopped && seen.size < most; at++) {
    if (at === levelEnds) {
      depth += 1
      levelEnds = seen.size
    }
    const of = { protocol, everyone: symmetry === 'every state is its own' }
    eachStep(of, packed.unpack(seen.keyAt(at)), (next) => {
      steps += 1
      visit(next, at)
    })
  }
  const path = stopped ? seen.pathTo(seen.size - 1) : null
  const complete = !stopped && at === seen.size
  return { states: seen.size, steps, depth, complete, broken, path, seen, packing: packed }
}
