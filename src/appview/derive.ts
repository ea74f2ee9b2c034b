import type { Brief, Change, Changes } from './changes.ts'
import type { Collection, Derived } from './define.ts'
import { type DerivedStatements, derivedStatements } from './derived-sql.ts'
import type { Sql } from './sql.ts'
import { type SubjectLocks, lockKey } from './subject-locks.ts'

/** A derived column, seen from the collection whose rows it is computed from. */
export type Link = {
  readonly source: Collection
  readonly parent: Collection
  readonly name: string
  readonly derived: Derived
  /** Columns of the source it depends on. */
  readonly reads: readonly string[]
  readonly statements: DerivedStatements
}

/** Every derived column, each after those it reads. Throws on declarations that read each other in
 *  a circle, and on subjects told by anything but plain text columns. */
export function linksInOrder(collections: readonly Collection[]): readonly Link[] {
  const all = collections.flatMap((parent) =>
    Object.entries(parent.derived).map(([name, derived]) =>
      linkOf(collections, parent, name, derived),
    ),
  )
  const ordered = new Set<Link>()
  const place = (link: Link, path: readonly Link[]) => {
    if (ordered.has(link)) return
    if (path.includes(link)) throw new Error(`${link.parent.table}.${link.name} reads itself`)
    for (const other of all)
      if (other.parent === link.source && link.reads.includes(other.name))
        place(other, [...path, link])
    ordered.add(link)
  }
  for (const link of all) place(link, [])
  return [...ordered]
}

function linkOf(
  collections: readonly Collection[],
  parent: Collection,
  name: string,
  derived: Derived,
): Link {
  const source = collections.find(({ table }) => table === derived.source)
  if (!source) throw new Error(`${parent.table}.${name} reads ${derived.source}, which is no table`)
  for (const on of Object.values(derived.on))
    if (on in parent.derived || (parent.columns[on]?.sql ?? 'text') !== 'text')
      throw new Error(`${parent.table}.${name} is looked up by ${on}, which is no text column`)
  const { kind: _, ...picked } = derived.pick
  const reads = [
    ...Object.keys(derived.on),
    ...Object.keys(derived.where ?? {}),
    ...Object.values(picked),
  ]
  const statements = derivedStatements(parent, name, briefColumns(parent, collections))
  return { source, parent, name, derived, reads: [...new Set(reads)], statements }
}

/** The columns of a collection that figures, feeds and other tables look at. */
export function briefColumns(c: Collection, collections: readonly Collection[]): string[] {
  const own = Object.values(c.derived).flatMap(({ on }) => Object.values(on))
  const read = collections.flatMap((parent) =>
    Object.values(parent.derived)
      .filter(({ source }) => source === c.table)
      .flatMap(({ on, where = {}, pick }) => {
        const { kind: _, ...picked } = pick
        return [...Object.keys(on), ...Object.keys(where), ...Object.values(picked)]
      }),
  )
  const seen = [c.feed, c.shown, c.hidden].filter((name) => name !== undefined)
  return [...new Set(['uri', 'place', 'cid', 'did', c.owner, ...seen, ...own, ...read])]
}

/** The locks of what the derived columns of this row are looked up by. */
export function ownLocks(links: readonly Link[], c: Collection, row: Brief): number[] {
  return links
    .filter(({ parent }) => parent === c)
    .map((link) =>
      subjectLock(
        link,
        Object.values(link.derived.on).map((on) => row[on]),
      ),
    )
}

/** The locks of all subjects whose figures may move with these changes. */
export function movedLocks(link: Link, changes: readonly Change[]): number[] {
  return [...movesOf(link, changes).values()].map(({ values }) => subjectLock(link, values))
}

function subjectLock({ parent, name }: Link, values: readonly unknown[]): number {
  return lockKey(`${parent.table} ${name}`, values.join(' '))
}

/** Brings every derived column up to date with what a batch has done to the rows it reads, and
 *  notes which rows changed by it. Counts move by the difference, all else is computed again. */
export async function carryOn(
  tx: Sql,
  links: readonly Link[],
  { changes, locks }: { changes: Changes; locks: SubjectLocks },
): Promise<void> {
  for (const link of links) {
    const moves = [...movesOf(link, changes.of(link.source)).values()]
    const fresh = freshAbout(link, changes)
    if (moves.length + fresh.length === 0) continue
    await locks.take(moves.map(({ values }) => subjectLock(link, values)))
    const carried = await carry(tx, link, moves)
    if (fresh.length > 0) {
      carried.push(...(await computed(tx, link, link.statements.againAt, [fresh])))
    }
    for (const change of carried) changes.note(link.parent, change)
  }
}

async function carry(tx: Sql, link: Link, moves: readonly Move[]): Promise<Change[]> {
  const { add, again } = link.statements
  if (link.derived.pick.kind !== 'count') {
    return moves.length > 0 ? computed(tx, link, again, subjectsOf(link, moves)) : []
  }
  const moved = moves.filter(({ by }) => by !== 0)
  if (moved.length === 0) return []
  return computed(tx, link, add, [moved.map(({ by }) => by), ...subjectsOf(link, moved)])
}

/** Rows inserted by this batch that any row it touched is about. They were computed in the midst of
 *  it, so they may have counted some changes already, or one that was taken back since. */
function freshAbout({ source, parent, derived }: Link, changes: Changes): string[] {
  const fresh = changes.of(parent).filter(({ after }) => after && changes.isFresh(after.uri))
  if (fresh.length === 0) return []
  const [theirs, ours] = [Object.keys(derived.on), Object.values(derived.on)]
  const keyOf = (row: Brief, columns: readonly string[]) =>
    JSON.stringify(columns.map((column) => row[column]))
  const touched = new Set(
    changes
      .of(source)
      .flatMap(({ before, after }) => [before, after])
      .flatMap((row) => (row ? [keyOf(row, theirs)] : [])),
  )
  return fresh.flatMap(({ after }) => (touched.has(keyOf(after!, ours)) ? [after!.uri] : []))
}

/** One array for each column that tells a subject. */
function subjectsOf({ derived }: Link, moves: readonly Move[]): unknown[][] {
  return Object.keys(derived.on).map((_, n) => moves.map(({ values }) => values[n]))
}

async function computed(tx: Sql, link: Link, text: string, values: unknown[]): Promise<Change[]> {
  const { rows } = await tx.query<Brief & { was: unknown }>(text, values)
  return rows.map(({ was, ...after }) => ({
    after: after as unknown as Brief,
    before: { ...(after as unknown as Brief), [link.name]: was },
  }))
}

type Move = { readonly values: readonly unknown[]; by: number }

/** Which subjects are concerned, and by how much their count moves. */
function movesOf({ derived, reads }: Link, changes: readonly Change[]): ReadonlyMap<string, Move> {
  const columns = Object.keys(derived.on)
  const moves = new Map<string, Move>()
  const note = (row: Brief | undefined, by: number) => {
    if (!row || !counts(derived, row)) return
    const values = columns.map((column) => row[column])
    if (values.some((value) => value === null || value === undefined)) return
    const key = JSON.stringify(values)
    const move = moves.get(key)
    if (move) move.by += by
    else moves.set(key, { values, by })
  }
  for (const { before, after } of changes) {
    if (before && after && same(before, after, reads)) continue
    note(before, -1)
    note(after, +1)
  }
  return moves
}

/** A derived column of a row not yet written is not known; then the row may count. */
function counts(derived: Derived, row: Brief): boolean {
  return Object.entries(derived.where ?? {}).every(
    ([column, value]) => row[column] === undefined || row[column] === value,
  )
}

function same(a: Brief, b: Brief, columns: readonly string[]): boolean {
  return columns.every((column) => {
    const [x, y] = [a[column], b[column]]
    if (Array.isArray(x) && Array.isArray(y)) return String(x) === String(y)
    return x instanceof Date && y instanceof Date ? x.getTime() === y.getTime() : x === y
  })
}
