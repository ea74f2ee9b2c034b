import type { Sql } from './sql.ts'

/** Locks a transaction may come to hold for one derived column. Their sum has to stay far below
 *  what a server keeps in its default settings, 6,400 for all transactions together. */
const BUCKETS = 128

/** Two transactions can be in flight at once, one with a row and one with a row it is about.
 *  Whoever takes the subject's lock second looks after the first has committed, so neither is
 *  missed. Held until the transaction ends; several subjects may share a lock. */
export class SubjectLocks {
  readonly #tx: Sql
  readonly #held = new Set<number>()

  constructor(tx: Sql) {
    this.#tx = tx
  }

  /** Takes the locks not yet held, in one order for all transactions, so that two of them taking
   *  several never wait for each other in a circle. */
  async take(keys: Iterable<number>): Promise<void> {
    const missing = [...new Set(keys)]
      .filter((key) => !this.#held.has(key))
      .toSorted((a, b) => a - b)
    if (missing.length === 0) return
    await this.#tx.query('select pg_advisory_xact_lock(k) from unnest($1::bigint[]) k', [missing])
    for (const key of missing) this.#held.add(key)
  }
}

/** The lock of what one derived column says about one subject. */
export function lockKey(column: string, subject: string): number {
  return hash(column) * BUCKETS + (hash(subject) % BUCKETS)
}

/** FNV-1a, 32 bits: the same in every process. */
function hash(text: string): number {
  let value = 0x811c_9dc5
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x0100_0193)
  return value >>> 0
}
