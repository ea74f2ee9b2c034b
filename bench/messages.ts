/** How many messages the space holds that is read from. */
export const MESSAGES = 100_000
