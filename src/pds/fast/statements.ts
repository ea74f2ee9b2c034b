import type SqliteDatabase from 'better-sqlite3'

const MAX_STATEMENTS = 256
const KEPT = /^\s*(?:select|insert|update|delete|with|begin|commit|rollback)\b/i

/**
 * Makes `prepare` hand out the statement it made for the same SQL before. Anything that is not
 * reading, writing or a transaction may change the schema: it empties the cache and is not kept.
 */
export function keepStatements(connection: SqliteDatabase.Database): void {
  const prepare = connection.prepare.bind(connection)
  const kept = new Map<string, SqliteDatabase.Statement>()
  function prepareOnce(sql: string): SqliteDatabase.Statement {
    const known = kept.get(sql)
    if (known !== undefined) {
      // One that is being iterated belongs to its reader.
      if (known.busy) return prepare(sql)
      kept.delete(sql)
      kept.set(sql, known)
      return known
    }
    const statement = prepare(sql)
    if (KEPT.test(sql)) keep(kept, sql, statement)
    else kept.clear()
    return statement
  }
  Object.defineProperty(connection, 'prepare', { value: prepareOnce, configurable: true })
}

function keep<V>(kept: Map<string, V>, sql: string, statement: V): void {
  kept.set(sql, statement)
  if (kept.size <= MAX_STATEMENTS) return
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}
