/** Thrown when so many jobs wait already that another one would only make all of them late. */
export class Busy extends Error {
  override readonly name = 'Busy'
}

/** Runs a job as soon as fewer than the allowed number are running; throws `Busy` at once when
 *  the queue is full. */
export type Gate = <T>(job: () => Promise<T>) => Promise<T>

/** Lets at most `running` jobs run at a time and at most `waiting` more wait, in their order. */
export function createGate({ running, waiting }: { running: number; waiting: number }): Gate {
  const queue: (() => void)[] = []
  let free = running
  return async (job) => {
    if (free > 0) free -= 1
    else {
      if (queue.length >= waiting) throw new Busy(`${waiting} jobs are waiting already`)
      await new Promise<void>((resolve) => queue.push(resolve))
    }
    try {
      return await job()
    } finally {
      // The place goes to the next in the queue directly, or it is free again.
      const next = queue.shift()
      if (next) next()
      else free += 1
    }
  }
}
