/** Loads one thing by its key. */
export type Load<V> = (key: string) => Promise<V | undefined>

const KEYS_MAX = 200

/** Answers many lookups that come in together with one query: whatever is asked for while a query
 *  is under way goes into the next one. Nothing is kept, so every answer is as new as its query. */
export function batchLoad<V>(
  loadAll: (keys: string[]) => Promise<ReadonlyMap<string, V>>,
): Load<V> {
  type Waiter = { resolve: (value: V | undefined) => void; reject: (error: unknown) => void }
  let waiting = new Map<string, Waiter[]>()
  let busy = false

  const run = async () => {
    const batch = [...waiting].slice(0, KEYS_MAX)
    if (batch.length === waiting.size) waiting = new Map()
    else for (const [key] of batch) waiting.delete(key)
    try {
      const found = await loadAll(batch.map(([key]) => key))
      for (const [key, waiters] of batch) for (const w of waiters) w.resolve(found.get(key))
    } catch (error) {
      for (const [, waiters] of batch) for (const w of waiters) w.reject(error)
    }
    if (waiting.size > 0) start()
    else busy = false
  }

  // Begun after the requests that arrived together have all asked.
  const start = () => {
    busy = true
    setImmediate(() => void run())
  }

  return (key) => {
    const { promise, ...waiter } = Promise.withResolvers<V | undefined>()
    const others = waiting.get(key)
    if (others) others.push(waiter)
    else waiting.set(key, [waiter])
    if (!busy) start()
    return promise
  }
}
