/** How much may be on the way between socket and sink. */
export type WindowLimits = { count: number; bytes: number }

/** Counts what is on the way and says when to stop reading and when to go on. */
export type Window = {
  take: (bytes: number) => void
  release: (count: number, bytes: number) => void
  readonly full: boolean
  readonly count: number
  readonly bytes: number
}

/**
 * Full at either limit, and open again at half of both, so that a socket is not paused and resumed
 * for every frame. `onChange` is called at each change of `full`.
 */
export function createWindow(limits: WindowLimits, onChange: (full: boolean) => void): Window {
  let count = 0
  let bytes = 0
  let full = false

  function update(): void {
    const over = count >= limits.count || bytes >= limits.bytes
    const under = count <= limits.count / 2 && bytes <= limits.bytes / 2
    const next = full ? !under : over
    if (next === full) return
    full = next
    onChange(full)
  }

  return {
    take(size) {
      count += 1
      bytes += size
      update()
    },
    release(items, size) {
      count -= items
      bytes -= size
      update()
    },
    get full() {
      return full
    },
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
  }
}
