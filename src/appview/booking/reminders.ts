const MINUTE = 60_000

/** How long before its start one is reminded, in minutes, where nothing else is said (N-12). */
export const REMINDERS_BEFORE: readonly number[] = [24 * 60, 60]

/** When reminders of an appointment are due, in milliseconds, soonest first; those whose time has
 *  passed when it is made or moved are left out (`domain.md` D-66). */
export function remindersAt(start: number, now: number, before = REMINDERS_BEFORE): number[] {
  return [...new Set(before)]
    .map((minutes) => start - minutes * MINUTE)
    .filter((due) => due > now && due < start)
    .toSorted((a, b) => a - b)
}
