import { type Epoch, type Local, type Protocol, type State, renamed } from './state.ts'
import { StateSet } from './state-set.ts'

/** Packs states into numbers, so that states which differ only by names are one. */
export type Packing = {
  /** the number of a state's whole class: all states one gets by calling honest validators, or
   *  transfers, by each other's names */
  pack: (state: State) => number
  /** the state of the class that `pack` chose to stand for it */
  unpack: (key: number) => State
}

/** Which states count as one: all that are the same but for names, or none. */
export type Symmetry = 'names do not matter' | 'every state is its own'

/**
 * A packed state is a number in mixed radix: what was shown before, and for each live epoch its
 * place in a table of epochs. An epoch in that table is a number too: what it began with and, for
 * each honest validator, the place of its local state in a table of those. Both tables grow as the
 * search meets what is new. Validators are sorted within their epoch, as the members of a committee
 * are interchangeable; of the ways to name the transfers the one with the least number is taken.
 * Throws when the tables outgrow the 53 bits of a number.
 */
export function packing(protocol: Protocol, symmetry: Symmetry): Packing {
  const sets = 1 << protocol.transfers
  const honest = protocol.validators - protocol.byzantine
  const { liveEpochs } = protocol
  const epochBase = rootOf(Number.MAX_SAFE_INTEGER / sets, liveEpochs)
  const localBase = Math.min(rootOf(Number.MAX_SAFE_INTEGER / sets, honest), 1 << 12)
  const locals: Local[] = []
  const places = new Map<Local, number>()
  const epochs = new StateSet()

  const placeOf = (local: Local): number => {
    const before = places.get(local)
    if (before !== undefined) return before
    if (locals.length === localBase) throw new RangeError(`More than ${localBase} local states.`)
    places.set(local, locals.length)
    return locals.push(local) - 1
  }

  /** One more than the place of an epoch: zero stands for one that has not begun. */
  const numberOf = (epoch: Epoch | undefined, name: Name): number => {
    if (!epoch) return 0
    const members = epoch.locals.map((local) => placeOf(name ? renamed(local, name) : local))
    if (symmetry === 'names do not matter') members.sort((a, b) => a - b)
    const begun = name ? name[epoch.settled]! : epoch.settled
    const key = members.reduce((all, member) => all * localBase + member, begun)
    epochs.add(key, -1)
    const place = epochs.placeOf(key)
    if (place + 1 >= epochBase) throw new RangeError(`More than ${epochBase} epochs.`)
    return place + 1
  }

  const named = (state: State, name: Name): number => {
    let key = name ? name[state.shown]! : state.shown
    for (let at = 0; at < liveEpochs; at++) key = key * epochBase + numberOf(state.epochs[at], name)
    return key
  }

  const epochAt = (place: number): Epoch => {
    const digits = digitsOf(epochs.keyAt(place), localBase, honest)
    return { settled: digits[0]!, locals: digits.slice(1).map((member) => locals[member]!) }
  }

  const names = symmetry === 'names do not matter' ? renamings(protocol.transfers) : []
  return {
    pack(state) {
      let least = named(state, undefined)
      for (const name of names) least = Math.min(least, named(state, name))
      return least
    },
    unpack(key) {
      const [shown = 0, ...numbers] = digitsOf(key, epochBase, liveEpochs)
      return { shown, epochs: numbers.filter((one) => one > 0).map((one) => epochAt(one - 1)) }
    },
  }
}

type Name = readonly number[] | undefined

/** The greatest radix in which so many digits stay below a number. */
function rootOf(space: number, digits: number): number {
  return Math.floor(space ** (1 / digits) * (1 - 1e-9))
}

/** What is above the last `count` digits of a number, and then those digits. */
function digitsOf(key: number, radix: number, count: number): number[] {
  const digits: number[] = []
  for (let rest = key, left = count; ; left--) {
    if (left === 0) return [rest, ...digits.reverse()]
    const digit = rest % radix
    digits.push(digit)
    rest = (rest - digit) / radix
  }
}

/** Every way but the identity to call the transfers by each other's names: for each set of
 *  transfers the set it becomes. */
function renamings(transfers: number): readonly (readonly number[])[] {
  const orders: number[][] = [[]]
  for (let one = 0; one < transfers; one++)
    for (const order of orders.splice(0))
      for (let at = 0; at <= order.length; at++) orders.push(order.toSpliced(at, 0, one))
  const others = orders.filter((order) => order.some((to, from) => to !== from))
  return others.map((order) =>
    Array.from({ length: 1 << transfers }, (_, set) =>
      order.reduce((all, to, from) => (set & (1 << from) ? all | (1 << to) : all), 0),
    ),
  )
}
