import type { Random } from './random.ts'

/** Something that happens at a moment: a message arrives, or somebody's timer runs out. */
type Step = {
  readonly at: number
  readonly order: number
  readonly who: string
  readonly what: string
  readonly act: () => Promise<void> | void
}

/** How messages suffer. Shares are from 0 to 1, delays in milliseconds. */
export type Faults = {
  readonly drop: number
  readonly duplicate: number
  readonly delayMax: number
}

/** Everybody on one side cannot hear those of the other, from one moment to another. */
export type Partition = {
  readonly from: number
  readonly until: number
  readonly side: ReadonlySet<string>
}

/** Time that passes only from step to step, and messages between names. */
export type Network = {
  readonly now: number
  /** steps made so far */
  readonly steps: number
  send(from: string, to: string, what: string, act: Step['act']): void
  /** The same, so many milliseconds later. */
  sendLate(ms: number, from: string, [to, what]: readonly [string, string], act: Step['act']): void
  /** A timer of somebody's own; it is never lost. */
  after(ms: number, who: string, what: string, act: Step['act']): void
  part(partition: Partition): void
  /** From now on nothing is lost, doubled or late. */
  heal(): void
  /** Makes the next step; what comes to the same one at the same moment is one group. Answers
   *  what happened, or undefined when nothing is left. */
  step(): Promise<readonly string[] | undefined>
}

/** Delays are multiples of it, so that some messages come at once. */
const GRAIN = 20
const GROUP_MAX = 8

/** Makes a network that begins at `start`, milliseconds since 1970. */
export function createNetwork(random: Random, start: number, given: Faults): Network {
  const queue: Step[] = []
  let partitions: Partition[] = []
  let faults = given
  let [now, order, steps] = [start, 0, 0]
  const isCut = (from: string, to: string): boolean =>
    partitions.some(
      (one) => now >= one.from && now < one.until && one.side.has(from) !== one.side.has(to),
    )
  const put = (ms: number, who: string, what: string, act: Step['act']): void => {
    push(queue, { at: now + Math.ceil(ms / GRAIN) * GRAIN, order: order++, who, what, act })
  }
  const sendLate: Network['sendLate'] = (ms, from, [to, what], act) => {
    if (isCut(from, to)) return
    const copies = random.chance(faults.duplicate) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      if (random.chance(faults.drop)) continue
      put(GRAIN + ms + random.next() * faults.delayMax, to, `${from} → ${to} ${what}`, act)
    }
  }
  return {
    get now() {
      return now
    },
    get steps() {
      return steps
    },
    send: (from, to, what, act) => sendLate(0, from, [to, what], act),
    sendLate,
    after: (ms, who, what, act) => put(ms, who, `${who} ${what}`, act),
    part: (partition) => void partitions.push(partition),
    heal() {
      partitions = []
      faults = { drop: 0, duplicate: 0, delayMax: 50 }
    },
    async step() {
      const first = pop(queue)
      if (!first) return undefined
      now = Math.max(now, first.at)
      const group = [first]
      while (group.length < GROUP_MAX && queue[0]?.at === first.at && queue[0].who === first.who) {
        group.push(pop(queue)!)
      }
      steps += group.length
      await Promise.all(group.map(async ({ act }) => await act()))
      return group.map(({ what }) => what)
    },
  }
}

function isBefore(a: Step, b: Step): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** The queue is a binary heap: `queue[0]` is the next step. */
function push(queue: Step[], step: Step): void {
  let at = queue.push(step) - 1
  while (at > 0) {
    const up = (at - 1) >> 1
    if (!isBefore(step, queue[up]!)) break
    queue[at] = queue[up]!
    at = up
  }
  queue[at] = step
}

function pop(queue: Step[]): Step | undefined {
  const first = queue[0]
  const last = queue.pop()
  if (!first || !last || queue.length === 0) return first
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= queue.length) break
    if (below + 1 < queue.length && isBefore(queue[below + 1]!, queue[below]!)) below += 1
    if (!isBefore(queue[below]!, last)) break
    queue[at] = queue[below]!
    at = below
  }
  queue[at] = last
  return first
}
