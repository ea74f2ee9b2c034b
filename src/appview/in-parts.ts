import { isDataError } from '../database/pool.ts'
import type { Sql } from './sql.ts'

/** What one round of statements takes: more would not be quicker, and has to be held in memory
 *  several times over. */
const ITEMS_MAX = 1_000
const BYTES_MAX = 4_000_000

/** All tables are looked into by key. A plan made while a table was small, or before it had been
 *  analysed, must not read it from end to end when it is kept until the table is large. */
const BEGIN = 'savepoint part; set local enable_seqscan = off'

/** Applies items in parts of a handy size, each behind a savepoint. Where Postgres does not take
 *  what a part holds, it is halved until the item at fault stands alone and `alone` says what to
 *  apply in its place; without that the error is thrown. */
export async function inParts<T>(
  tx: Sql,
  items: readonly T[],
  how: {
    bytes: (item: T) => number
    alone: (item: T, error: unknown) => T | undefined
    apply: (part: readonly T[]) => Promise<void>
  },
): Promise<void> {
  for (const part of partsOf(items, how.bytes)) await applyPart(tx, part, how)
}

function* partsOf<T>(items: readonly T[], bytes: (item: T) => number): Generator<readonly T[]> {
  let from = 0
  let size = 0
  for (const [n, item] of items.entries()) {
    size += bytes(item)
    if (n > from && (n - from >= ITEMS_MAX || size > BYTES_MAX)) {
      yield items.slice(from, n)
      from = n
      size = bytes(item)
    }
  }
  if (from < items.length) yield items.slice(from)
}

async function applyPart<T>(
  tx: Sql,
  part: readonly T[],
  how: Parameters<typeof inParts<T>>[2],
): Promise<void> {
  await tx.query(BEGIN)
  try {
    await how.apply(part)
    await tx.query('release savepoint part')
    return
  } catch (error) {
    if (!isDataError(error)) throw error
    await tx.query('rollback to savepoint part')
    await tx.query('release savepoint part')
    if (part.length === 1) {
      const instead = how.alone(part[0]!, error)
      if (instead === undefined) throw error
      return applyPart(tx, [instead], how)
    }
  }
  const middle = Math.ceil(part.length / 2)
  await applyPart(tx, part.slice(0, middle), how)
  await applyPart(tx, part.slice(middle), how)
}
