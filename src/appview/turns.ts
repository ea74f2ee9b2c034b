/** Runs work for a name when all that came before it for that name has ended. */
export type Turns = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Makes turns within this process, the only one of a node that writes for its accounts. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = last.get(name)
    const run = (before ?? Promise.resolve()).then(work, work)
    last.set(name, run)
    try {
      return await run
    } finally {
      if (last.get(name) === run) last.delete(name)
    }
  }
}
