/** Which numbers of a stream are done with, when they are done in any order. */
export type LowWater<T> = {
  /** The next of the stream. */
  begin(item: T, seq: number): void
  /** Notes that an item is done with; each once. */
  end(item: T): void
  /** The highest number up to which everything is done with; undefined before the first. */
  readonly mark: number | undefined
}

/** Makes a low-water mark over items in the order in which they began. */
export function createLowWater<T extends object>(): LowWater<T> {
  type Entry = { seq: number; ended: boolean }
  const entries = new Map<T, Entry>()
  let order: Entry[] = []
  let head = 0
  let mark: number | undefined

  return {
    begin(item, seq) {
      const entry = { seq, ended: false }
      entries.set(item, entry)
      order.push(entry)
    },
    end(item) {
      const entry = entries.get(item)
      if (entry === undefined) return
      entries.delete(item)
      entry.ended = true
      for (; order[head]?.ended; head += 1) mark = order[head]?.seq
      // Taking from the front of an array moves the rest, so that is done once for many.
      if (head >= 1024 || head >= order.length) {
        order = order.slice(head)
        head = 0
      }
    },
    get mark() {
      return mark
    },
  }
}
