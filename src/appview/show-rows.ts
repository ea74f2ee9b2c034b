import { type Brief, type Change, Changes } from './changes.ts'
import type { Collection } from './define.ts'
import { type Link, briefColumns, carryOn, linksInOrder, movedLocks, ownLocks } from './derive.ts'
import { appendToFeeds } from './feed.ts'
import type { Sql } from './sql.ts'
import { SubjectLocks } from './subject-locks.ts'
import { type TableStatements, tableStatements } from './write-row.ts'

/** What the tables have to hold of one record from now on; without a row, nothing. */
export type Target = {
  readonly collection: Collection
  readonly uri: string
  readonly row?: Readonly<Record<string, unknown>>
}

/** The collections with everything about their tables that is put together once. */
export type Tables = {
  /** Tables that others read come first, where that is possible. */
  readonly collections: readonly Collection[]
  readonly links: readonly Link[]
  readonly statements: ReadonlyMap<Collection, TableStatements>
}

/** Puts the statements and the order of derived columns together. */
export function tablesOf(collections: readonly Collection[]): Tables {
  const links = linksInOrder(collections)
  return {
    collections: [...new Set([...links.map(({ source }) => source), ...collections])],
    links,
    statements: new Map(
      collections.map((c) => [c, tableStatements(c, briefColumns(c, collections))]),
    ),
  }
}

/** Makes the tables hold the targets, each record once among them, with every column computed from
 *  them, and tells the feeds unless `quiet`. The number of statements does not depend on the number
 *  of targets. */
export async function showRows(
  tx: Sql,
  tables: Tables,
  targets: readonly Target[],
  { quiet = false } = {},
): Promise<void> {
  const batch = { changes: new Changes(tables.collections), locks: new SubjectLocks(tx) }
  const byCollection = Map.groupBy(targets, ({ collection }) => collection)
  const plans: Plan[] = []
  for (const c of tables.collections) {
    const of = byCollection.get(c)
    if (of) plans.push(await planOf(tx, tables, c, of))
  }
  await batch.locks.take(plans.flatMap((plan) => locksOf(tables, plan)))
  for (const plan of plans) await carryOut(tx, tables, plan, batch.changes)
  const places = new Map(targets.map(({ uri }, n) => [uri, n]))
  await settle(tx, tables, { ...batch, places: quiet ? undefined : places })
}

/** Takes everything one repo wrote out of every table, and tells the feeds unless `quiet`. */
export async function hideRepo(
  tx: Sql,
  tables: Tables,
  did: string,
  { quiet = false } = {},
): Promise<void> {
  const batch = { changes: new Changes(tables.collections), locks: new SubjectLocks(tx) }
  for (const c of tables.collections) {
    const { rows } = await tx.query<Brief>(tables.statements.get(c)!.removeRepo, [did])
    for (const before of rows) batch.changes.note(c, { before })
  }
  await settle(tx, tables, { ...batch, places: quiet ? undefined : new Map() })
}

/** Carries what was done on to every column computed from it, and to the feeds. */
async function settle(
  tx: Sql,
  { collections, links }: Tables,
  batch: { changes: Changes; locks: SubjectLocks; places: ReadonlyMap<string, number> | undefined },
): Promise<void> {
  const { changes, places } = batch
  await carryOn(tx, links, batch)
  if (places) await appendToFeeds(tx, collections, { changes, places })
}

/** What has to be done to one table. */
type Plan = {
  readonly collection: Collection
  /** Rows not there before, or looked up by something else than before. */
  readonly fresh: Change[]
  readonly kept: Change[]
  readonly gone: Change[]
  readonly rows: Readonly<Record<string, unknown>>[]
}

/** Locks the rows that are there. A row whose place, owner or subjects have changed is deleted and
 *  made anew: its key is another, or its derived columns are about something else. */
async function planOf(
  tx: Sql,
  { statements }: Tables,
  c: Collection,
  targets: readonly Target[],
): Promise<Plan> {
  const { rows } = await tx.query<Brief>(statements.get(c)!.find, [targets.map(({ uri }) => uri)])
  const there = new Map(rows.map((row) => [row.uri, row]))
  const about = Object.values(c.derived).flatMap(({ on }) => Object.values(on))
  const subject = ['place', c.owner, ...about]
  const plan: Plan = { collection: c, fresh: [], kept: [], gone: [], rows: [] }
  for (const { uri, row } of targets) {
    const before = there.get(uri)
    if (before && !row) plan.gone.push({ before })
    if (!row) continue
    const same = before && subject.every((name) => before[name] === row[name])
    if (same) plan.kept.push({ before, after: { ...before, ...row } })
    else plan.fresh.push({ before, after: row as Brief })
    plan.rows.push(row)
  }
  plan.rows.sort((a, b) => (String(a['uri']) < String(b['uri']) ? -1 : 1))
  return plan
}

/** Taken before any row is written, so that a new row's derived columns are right as inserted. */
function locksOf({ links }: Tables, { collection: c, fresh, kept, gone }: Plan): number[] {
  const changes = [...fresh, ...kept, ...gone]
  return [
    ...fresh.flatMap(({ after }) => ownLocks(links, c, after!)),
    ...links.filter(({ source }) => source === c).flatMap((link) => movedLocks(link, changes)),
  ]
}

async function carryOut(
  tx: Sql,
  { statements }: Tables,
  { collection: c, fresh, kept, gone, rows }: Plan,
  changes: Changes,
): Promise<void> {
  const { remove, upsert } = statements.get(c)!
  const doomed = [...gone, ...fresh].flatMap(({ before }) => (before ? [before.uri] : []))
  if (doomed.length > 0) await tx.query(remove, [doomed])
  for (const change of gone) changes.note(c, change)
  if (rows.length === 0) return
  const { rows: written } = await tx.query<Brief>(upsert, [JSON.stringify(rows)])
  const before = new Map(kept.map((change) => [change.before!.uri, change.before]))
  const moved = new Map(fresh.map((change) => [change.after!.uri, change.before]))
  for (const after of written)
    if (moved.has(after.uri)) changes.noteFresh(c, { before: moved.get(after.uri), after })
    else changes.note(c, { before: before.get(after.uri), after })
}
