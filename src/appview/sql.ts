/** What the indexer needs of a database connection; a pool, a client or a transaction has it. */
export type Sql = {
  query<R extends object = Record<string, unknown>>(
    text: string | { name: string; text: string },
    values?: unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>
}

/** A connection pool: queries, and connections of one's own for transactions. */
export type SqlPool = Sql & { connect(): Promise<Sql & { release(error?: Error): void }> }

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function transaction<T>(pool: SqlPool, work: (tx: Sql) => Promise<T>): Promise<T> {
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
