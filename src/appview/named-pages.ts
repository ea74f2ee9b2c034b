import { decodeCursor, encodeCursor } from './serve-list.ts'

/** What is listed newest first and told by a name of its own, not by the uri of a record. */
type Named = { readonly createdAt: Date; readonly id: string }

const SCHEME = 'at://'

/** Where a page begins: after the row of that time and name; from the newest without a cursor.
 *  Throws `InvalidCursor`. */
export function startOf(cursor: string | undefined): readonly [string, string] | readonly [] {
  if (cursor === undefined) return []
  // Cursors end in a uri, which these rows have none of: the name stands for one.
  const [at, uri] = decodeCursor(cursor)
  return [at, uri.slice(SCHEME.length)]
}

/** A page of at most `limit` of rows of which one more was asked for, and where the next begins. */
export function pageOf<T extends Named>(
  rows: readonly T[],
  limit: number,
): { readonly page: readonly T[]; readonly next: { readonly cursor?: string } } {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { page, next: last ? { cursor: encodeCursor(last.createdAt, SCHEME + last.id) } : {} }
}
