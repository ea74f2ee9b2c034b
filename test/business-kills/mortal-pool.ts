import type { Sql, SqlPool } from '../../src/database/sql.ts'

/** Where a process ends: at the nth statement from now on, just before it or just after. */
export type Crash = { readonly nth: number; readonly side: 'before' | 'after' }

/** Ends this process with SIGKILL where it was told to. */
export class MortalPool implements SqlPool {
  readonly #pool: SqlPool
  #crash: { side: Crash['side']; left: number } | undefined

  constructor(pool: SqlPool) {
    this.#pool = pool
  }

  /** Nothing happens without one. */
  arm(crash: Crash | undefined): void {
    this.#crash = crash && { side: crash.side, left: crash.nth }
  }

  query: Sql['query'] = (text, values) => this.#step(() => this.#pool.query(text, values))

  async connect() {
    const client = await this.#pool.connect()
    const query: Sql['query'] = (text, values) => this.#step(() => client.query(text, values))
    return { query, release: (error?: Error) => client.release(error) }
  }

  async #step<T>(act: () => Promise<T>): Promise<T> {
    const armed = this.#crash
    if (!armed) return act()
    armed.left -= 1
    if (armed.left !== 0) return act()
    if (armed.side === 'after') await act()
    process.kill(process.pid, 'SIGKILL')
    return new Promise<never>(() => undefined)
  }
}
