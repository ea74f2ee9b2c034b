import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until `check` no longer throws; then hands on what it answered. Gives up, with the
 *  last failure, after `withinMs`. */
export async function eventually<T>(check: () => Promise<T> | T, withinMs = 20_000): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(50)
    }
  }
}
