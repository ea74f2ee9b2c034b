import { finalIn } from './properties.ts'
import { type Found, search } from './search.ts'
import type { Protocol } from './state.ts'
import { eachStep } from './steps.ts'

/** What a search for dead states has found. */
export type Ways = Found & {
  /** reachable states from which the honest validators alone can no longer make a transfer final */
  dead: number
}

/**
 * Looks for reachable states without a way out. The adversary leads anywhere, with every signature
 * of the Byzantine validators; from there only honest validators act, with certificates one of
 * them holds or that they can make alone, and seals of their own. From every state they must have
 * some way to make a transfer for the slot final, in this epoch or a later one, with a quorum of
 * honest signatures. Says nothing of how long that takes. `path` leads to the first dead state.
 */
export function searchDead(protocol: Protocol): Ways {
  const found = search(protocol)
  const { seen, packing } = found
  const alone: Protocol = { ...protocol, byzantineSign: false }
  const alive = new Uint8Array(seen.size)
  // Ways out mostly lead to states found later: backwards, few rounds are needed.
  for (let gained = -1; gained !== 0;) {
    gained = 0
    for (let place = seen.size - 1; place >= 0; place--) {
      if (alive[place]) continue
      const state = packing.unpack(seen.keyAt(place))
      let ends = finalIn(alone, state.epochs.at(-1)!) !== 0
      eachStep({ protocol: alone }, state, (next) => {
        if (ends) return
        const to = seen.placeOf(packing.pack(next))
        if (to < 0) throw new Error('Honest validators alone do what no adversary lets them do.')
        ends = alive[to] === 1
      })
      if (!ends) continue
      alive[place] = 1
      gained += 1
    }
  }
  const dead = alive.reduce((count, one) => count + 1 - one, 0)
  const first = alive.indexOf(0)
  return { ...found, dead, path: first < 0 ? null : seen.pathTo(first) }
}
