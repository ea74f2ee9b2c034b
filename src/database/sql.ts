import { setTimeout as sleep } from 'node:timers/promises'
import { isConflict } from './pool.ts'

/** A statement planned once by its name, and how its rows are read. */
export type Statement = {
  readonly name: string
  readonly text: string
  readonly rowMode?: 'array'
  readonly types?: RowTypes
}

/** Readers of column values in the text format, by the type's OID. */
export type RowTypes = { getTypeParser(oid: number, format?: string): (value: never) => unknown }

/** What queries need of a database connection; a pool, a client or a transaction has it. */
export type Sql = {
  query<R extends object = Record<string, unknown>>(
    text: string | Statement,
    values?: unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>
}

/** A connection pool: queries, and connections of one's own for transactions. */
export type SqlPool = Sql & { connect(): Promise<Sql & { release(error?: Error): void }> }

/** How often work is begun again that Postgres ended for the sake of other transactions. */
const ATTEMPTS_MAX = 5

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. One that
 *  Postgres ends because of others (deadlock, serialization failure) is run again, a few times;
 *  `work` must have no other effects than those on `tx`. */
export function transaction<T>(pool: SqlPool, work: (tx: Sql) => Promise<T>): Promise<T> {
  return againstConflicts(() => runOnce(pool, work))
}

/** Runs a transaction, and runs it again, a few times, when Postgres ended it for another one. */
export async function againstConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isConflict(error)) throw error
    }
    // Of two that met, one is to be first the next time.
    await sleep(Math.random() * 20 * 2 ** attempt)
  }
}

async function runOnce<T>(pool: SqlPool, work: (tx: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    client.release(broken)
  }
}
