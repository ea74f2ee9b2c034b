/** Where time comes from. Everything that needs "now" is handed one, so that tests decide it. */
export type Clock = { now(): Date }

/** The machine's own time. */
export const systemClock: Clock = { now: () => new Date() }
