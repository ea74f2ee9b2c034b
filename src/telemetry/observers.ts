import type { EventName, HistogramName, LabelsOf } from '../events.ts'
import type { AnyLabels } from './tally.ts'

/** One value of a name, as it is now. */
export type Sample<N extends EventName> = { readonly labels: LabelsOf<N>; readonly value: number }

/** A sample of any name. */
export type AnySample = { readonly labels: AnyLabels; readonly value: number }

type Read<N extends EventName> = () => readonly Sample<N>[] | Promise<readonly Sample<N>[]>

/** What is not counted as it happens but looked at when somebody asks. */
export type Observers = {
  /** From now on `name` is what `read` says; all that it says of labels must be few by nature. */
  observe: <N extends Exclude<EventName, HistogramName>>(name: N, read: Read<N>) => void
  /** Every name observed with what it is now. A name that cannot be read in time is left out. */
  look(): Promise<ReadonlyMap<EventName, readonly AnySample[]>>
}

/** Keeps who reads what. No reading holds up the others for longer than `patienceMs`. */
export function createObservers(options: { patienceMs: number }): Observers {
  const reads = new Map<EventName, () => Promise<readonly AnySample[]>>()
  return {
    observe(name, read) {
      reads.set(name, async () => (await read()) as readonly AnySample[])
    },
    async look() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const late = setTimeout(() => resolve(undefined), options.patienceMs)
      const found = await Promise.all(
        [...reads].map(async ([name, read]) => {
          const samples = await Promise.race([read().catch(() => undefined), promise])
          return samples && ([name, samples] as const)
        }),
      )
      clearTimeout(late)
      return new Map(found.filter((each) => each !== undefined))
    },
  }
}
