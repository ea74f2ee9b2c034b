/** Work that comes one by one and is done in groups, one group at a time. */
export type GroupQueue<T> = {
  add(task: T): void
  /** Does something while no group is under way: after the one that is, however many wait, so that
   *  no flood of tasks can put it off. What is added meanwhile waits. */
  alone(work: () => Promise<void>): Promise<void>
}

/** Groups of at most `max`; `settle` answers all tasks of its group and never rejects. */
export function groupQueue<T>(
  max: number,
  settle: (group: readonly T[]) => Promise<void>,
): GroupQueue<T> {
  const waiting: T[] = []
  let running: Promise<void> | undefined
  let wantAlone = 0
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await settle(waiting.splice(0, max))
      if (wantAlone > 0) break
    }
    running = undefined
  }
  return {
    add(task) {
      waiting.push(task)
      if (wantAlone === 0) running ??= run()
    },
    async alone(work) {
      wantAlone += 1
      while (running) await running
      wantAlone -= 1
      const working = work()
      running = working.then(run, run)
      await working
    },
  }
}
