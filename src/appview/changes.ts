import type { Collection } from './define.ts'

/** The columns of a row that figures, feeds and other tables look at; the others are not read. */
export type Brief = {
  readonly uri: string
  readonly place: string
  readonly cid: string
} & Readonly<Record<string, unknown>>

/** What happened to one row: absent before when it is new, absent after when it is gone. */
export type Change = { readonly before?: Brief; readonly after?: Brief }

/** What one batch has done to the tables so far: of each row how it was before the batch and how it
 *  is now, whatever happened in between. */
export class Changes {
  readonly #tables: ReadonlyMap<Collection, Map<string, Change>>
  readonly #fresh = new Set<string>()

  constructor(collections: readonly Collection[]) {
    this.#tables = new Map(collections.map((c) => [c, new Map<string, Change>()]))
  }

  /** Notes a change that has just been made, after those noted before. */
  note(c: Collection, { before, after }: Change): void {
    const rows = this.#tables.get(c)!
    const uri = (after ?? before)!.uri
    const earlier = rows.get(uri)
    rows.set(uri, { before: earlier ? earlier.before : before, after })
  }

  /** Notes a row that this batch has inserted, its derived columns computed. */
  noteFresh(c: Collection, change: Change): void {
    this.note(c, change)
    this.#fresh.add(change.after!.uri)
  }

  isFresh(uri: string): boolean {
    return this.#fresh.has(uri)
  }

  /** In the order in which the rows were first noted. */
  of(c: Collection): Change[] {
    return [...this.#tables.get(c)!.values()]
  }
}
