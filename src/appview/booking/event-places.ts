/** Where places of an event stand with somebody: how many they have, or wait for. */
export type Answer = { readonly status: string; readonly seats: number }

/** States in which somebody has places. */
const HAVING = ['going', 'checked_in', 'no_show']

/** How many places an answer takes of those there are. */
export function placesOf(answer: Answer | undefined): number {
  return answer !== undefined && HAVING.includes(answer.status) ? answer.seats : 0
}

/** What is known of who comes (`domain.md` D-67). */
export type EventStats = {
  readonly going: number
  readonly maybe: number
  readonly declined: number
  readonly expectedAttendees: number
  readonly actualAttendees: number
  /** Undefined before it is over. */
  readonly noShows: number | undefined
  readonly waitlistSize: number
}

/** The figures of an event by all answers to it. Who comes and half of who may are expected, halves
 *  up, unless the tenant says how many it expects. */
export function statsOf(
  answers: readonly Answer[],
  { isOver, expected }: { isOver: boolean; expected?: number | undefined },
): EventStats {
  const seats = (...statuses: string[]) =>
    answers.filter(({ status }) => statuses.includes(status)).reduce((n, a) => n + a.seats, 0)
  const going = seats(...HAVING)
  const came = seats('checked_in')
  const maybe = seats('maybe')
  return {
    going,
    maybe,
    declined: answers.filter(({ status }) => status === 'declined').length,
    expectedAttendees: expected ?? Math.floor((2 * going + maybe + 1) / 2),
    actualAttendees: came,
    noShows: isOver ? going - came : undefined,
    waitlistSize: seats('waitlisted'),
  }
}

/** Who of those who wait gets a place, in the order in which they wait: as long as the next has
 *  enough, so that nobody is passed by. */
export function promoted<T extends { readonly seats: number }>(
  waiting: readonly T[],
  free: number,
): T[] {
  const lucky: T[] = []
  let left = free
  for (const one of waiting) {
    if (one.seats > left) break
    left -= one.seats
    lucky.push(one)
  }
  return lucky
}
