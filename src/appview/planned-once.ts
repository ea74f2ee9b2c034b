import type { Sql } from './sql.ts'

const names = new Map<string, string>()

/** The same connection, on which each statement with parameters is planned only once, because
 *  planning it takes longer than running it for a few rows. */
export function plannedOnce(sql: Sql): Sql {
  return {
    query: (text, values) =>
      typeof text === 'string' && values
        ? sql.query({ name: nameOf(text), text }, values)
        : sql.query(text, values),
  }
}

function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) names.set(text, (name = `kernel ${names.size}`))
  return name
}
