import type { Clock } from '../clock.ts'

/** How much that cannot be read a host may send before it is left alone for a while. */
export type GuardLimits = {
  /** refused one after the other */
  inARow: number
  /** refused within `windowMs` */
  inWindow: number
  windowMs: number
}

/** Refusals that say more about an account or a directory than about the host. */
const NOT_GARBAGE = ['NotAuthoritative', 'NoIdentity', 'IdentityUnavailable', 'FutureRev']
/** What a relay answers for itself; the rest it may pass on from others. */
const OF_THE_FRAME = ['FrameTooLarge', 'FrameTooDeep', 'BadFrame', 'BadMessage', 'OldSeq']

/** Makes a watch over one host's messages: called with the reason of each refusal, or undefined for
 *  one that was taken, it says whether the host has sent too much garbage. */
export function createGuard(options: {
  kind: 'pds' | 'relay'
  limits: GuardLimits
  clock: Clock
}): (refused: string | undefined) => boolean {
  const { kind, limits, clock } = options
  let inARow = 0
  let windowStart = 0
  let inWindow = 0
  const isGarbage = (reason: string) =>
    kind === 'relay' ? OF_THE_FRAME.includes(reason) : !NOT_GARBAGE.includes(reason)

  return (refused) => {
    if (refused === undefined) inARow = 0
    if (refused === undefined || !isGarbage(refused)) return false
    const now = clock.now().getTime()
    if (now - windowStart >= limits.windowMs) {
      windowStart = now
      inWindow = 0
    }
    inARow += 1
    inWindow += 1
    return inARow >= limits.inARow || inWindow >= limits.inWindow
  }
}
