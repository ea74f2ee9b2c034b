/** Lets loops sleep until something has changed; look at the state first, then wait. */
export type Latch = {
  /** Settles at the next `open`. */
  wait: () => Promise<void>
  /** Wakes all that wait now. */
  open: () => void
}

/** Makes a closed latch. */
export function createLatch(): Latch {
  let gate = Promise.withResolvers<void>()
  return {
    wait: () => gate.promise,
    open() {
      gate.resolve()
      gate = Promise.withResolvers<void>()
    },
  }
}
