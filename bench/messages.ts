/** How many messages the space holds that is read from. */
export const MESSAGES = 100_000

/** How many of them the list holds that is compared with the same list from memory. */
export const PAGE = 20
