import type { Collection } from './define.ts'
import { inParts } from './in-parts.ts'
import { type Judged, judgeAgain, keepRecords, keyOf } from './keep-record.ts'
import { deriveAll, loadRows } from './load-rows.ts'
import { namedIn } from './named.ts'
import { newerElsewhere } from './newest-place.ts'
import { plannedOnce } from './planned-once.ts'
import { recordUri } from './reference.ts'
import { type Tables, type Target, hideRepo, showRows, tablesOf } from './show-rows.ts'
import type { Sql } from './sql.ts'
import { type Refusal, type StoredRecord, rowOf } from './verify-record.ts'

/** One write of a verified commit. `cid` and `bytes` are null when the write is a delete. With
 *  `hidden` the record is only kept, because its author's account is not active. */
export type Write = Omit<StoredRecord, 'cid' | 'bytes'> & {
  readonly cid: string | null
  readonly bytes: Uint8Array | null
  readonly hidden?: boolean
}

/** A record as it is kept, with the time since when its content is here. */
export type Kept = StoredRecord & { readonly indexedAt: Date }

export type Outcome = 'indexed' | 'removed' | 'older' | { readonly refused: string }

/** What became of each write, and the accounts that records now shown name. */
export type Written = { readonly outcomes: readonly Outcome[]; readonly named: readonly string[] }

type Options = {
  readonly now: Date
  /** Take versions of the revision that is kept as well: a fetched repo is taken over. */
  readonly force?: boolean
  /** Tell no feed. */
  readonly quiet?: boolean
}

/** Applies verified writes to the tables, inside the caller's transaction. Applying a write again,
 *  or an older one after a newer, changes nothing. */
export class Indexer {
  readonly collections: readonly Collection[]
  readonly #byNsid: ReadonlyMap<string, Collection>
  readonly #tables: Tables

  constructor(collections: readonly Collection[]) {
    this.collections = collections
    this.#byNsid = new Map(collections.map((c) => [c.nsid, c]))
    this.#tables = tablesOf(collections)
  }

  /** Keeps the records as they came and shows them as their collections say, with as many
   *  statements for a thousand as for one. Of several versions of a record only the newest counts;
   *  the others are `older`. What comes and goes within the batch is never told to a feed. */
  async writeAll(tx: Sql, writes: readonly Write[], options: Options): Promise<Written> {
    const sql = plannedOnce(tx)
    return this.#take(sql, writes, options, (rows) => showRows(sql, this.#tables, rows, options))
  }

  /** Like `writeAll`, for tables that are being filled: no derived column is computed, which
   *  `deriveAll` does in the end, and no feed is told. */
  async load(tx: Sql, writes: readonly Write[], options: Omit<Options, 'quiet'>): Promise<Written> {
    return this.#take(tx, writes, options, (rows) => loadRows(tx, this.#tables, rows))
  }

  /** Puts the rows of kept records into tables that are being filled. */
  async loadKept(tx: Sql, records: readonly Kept[]): Promise<void> {
    await this.#restore(tx, records, (rows) => loadRows(tx, this.#tables, rows))
  }

  /** Computes every derived column of every row. */
  async deriveAll(tx: Sql): Promise<void> {
    await deriveAll(tx, this.#tables)
  }

  /** `writeAll` of a single write. */
  async write(
    tx: Sql,
    w: Write,
    { hidden = w.hidden, ...options }: Options & { hidden?: boolean },
  ): Promise<Outcome> {
    const { outcomes } = await this.writeAll(tx, [{ ...w, hidden }], options)
    return outcomes[0]!
  }

  /** Shows again what is kept of records: news to readers when their account came back, and with
   *  `quiet` no news. */
  async restoreAll(
    tx: Sql,
    records: readonly Kept[],
    options: { quiet?: boolean } = {},
  ): Promise<readonly Outcome[]> {
    const sql = plannedOnce(tx)
    return this.#restore(sql, records, (rows) => showRows(sql, this.#tables, rows, options))
  }

  /** `restoreAll` of a single record. */
  async restore(tx: Sql, r: Kept, options: { quiet?: boolean } = {}): Promise<Outcome> {
    return (await this.restoreAll(tx, [r], options))[0]!
  }

  /** Takes everything one repo wrote out of every table; the records themselves stay kept. */
  async hide(tx: Sql, did: string, options: { quiet?: boolean } = {}): Promise<void> {
    await hideRepo(tx, this.#tables, did, options)
  }

  async #take(
    tx: Sql,
    writes: readonly Write[],
    options: Options,
    show: (targets: readonly Target[]) => Promise<void>,
  ): Promise<Written> {
    const outcomes = new Map<Write, Outcome>()
    const named = new Set<string>()
    const apply = async (items: readonly Item[]) => {
      const taken = await keepRecords(tx, items.map(judgedOf), options)
      const targets: Target[] = []
      const fresh = items.filter(({ write }) => taken.has(keyOf(write)))
      const elsewhere = await this.#elsewhere(tx, fresh)
      for (const { write, collection, uri, refusal, row } of fresh) {
        const own = row && { ...row, indexedAt: taken.get(keyOf(write)) }
        const counts = elsewhere.has(keyOf(write)) ? elsewhere.get(keyOf(write)) : own
        const shown = write.hidden ? undefined : counts
        if (collection) targets.push({ collection, uri, row: shown })
        for (const did of shown && collection ? namedIn(collection, shown) : []) named.add(did)
        outcomes.set(write, outcomeOf(refusal, row))
      }
      await show(onceEach(targets))
    }
    await inParts(tx, newestOf(writes, options).map(this.#judge), { ...HOW, apply })
    return { outcomes: writes.map((w) => outcomes.get(w) ?? 'older'), named: [...named] }
  }

  async #restore(
    tx: Sql,
    records: readonly Kept[],
    show: (targets: readonly Target[]) => Promise<void>,
  ): Promise<readonly Outcome[]> {
    const since = new Map(records.map((r) => [keyOf(r), r.indexedAt]))
    const outcomes = new Map<Write, Outcome>()
    const apply = async (items: readonly Item[]) => {
      await judgeAgain(tx, items.map(judgedOf))
      const elsewhere = await this.#elsewhere(tx, items)
      const targets = items.flatMap(({ write, collection, uri, row }): Target[] => {
        const own = row && { ...row, indexedAt: since.get(keyOf(write)) }
        const shown = elsewhere.has(keyOf(write)) ? elsewhere.get(keyOf(write)) : own
        return collection ? [{ collection, uri, row: shown }] : []
      })
      for (const { write, refusal, row } of items) outcomes.set(write, outcomeOf(refusal, row))
      await show(onceEach(targets))
    }
    await inParts(tx, records.map(this.#judge), { ...HOW, apply })
    return records.map((r) => outcomes.get(r)!)
  }

  /** Rows of versions in other places that count more than these, by the key of those; a version
   *  that is refused counts without a row, as it does in its own place. */
  async #elsewhere(
    tx: Sql,
    items: readonly Item[],
  ): Promise<ReadonlyMap<string, Record<string, unknown> | undefined>> {
    const movable = items.filter(({ collection }) => collection?.access.places === 'either')
    const rows = new Map<string, Record<string, unknown> | undefined>()
    for (const [key, other] of await newerElsewhere(tx, movable.map(judgedOf))) {
      const found = rowOf(this.#byNsid.get(other.collection), other)
      const row = 'row' in found ? { ...found.row, indexedAt: other.indexedAt } : undefined
      rows.set(key, row)
    }
    return rows
  }

  readonly #judge = (write: Write): Item => {
    const { did, collection: nsid, rkey, cid, bytes } = write
    const collection = this.#byNsid.get(nsid)
    const item = { write, collection, uri: recordUri(did, nsid, rkey) }
    if (cid === null || bytes === null) return item
    const found = rowOf(collection, { ...write, cid, bytes })
    return 'reason' in found ? { ...item, refusal: found } : { ...item, row: found.row }
  }
}

/** A write with what was found about its record: a row or a refusal, or neither for a delete. */
type Item = {
  readonly write: Write
  readonly collection: Collection | undefined
  readonly uri: string
  readonly refusal?: Refusal
  readonly row?: Readonly<Record<string, unknown>>
}

const HOW = {
  bytes: ({ write }: Item) => write.bytes?.length ?? 0,
  /** Whatever else there is to say about it, a record can always be kept and not shown. */
  alone: (item: Item, error: unknown): Item | undefined =>
    item.row && {
      ...item,
      row: undefined,
      refusal: { reason: 'Unstorable', detail: error instanceof Error ? error.message : '' },
    },
}

function judgedOf({ write, refusal }: Item): Judged {
  const { did, collection, rkey, place, rev, cid, bytes } = write
  return { did, collection, rkey, place, rev, cid, bytes, refusal }
}

function outcomeOf(refusal: Refusal | undefined, row: Item['row']): Outcome {
  return refusal ? { refused: refusal.reason } : row ? 'indexed' : 'removed'
}

/** Each record once: of several places the same version counts. */
function onceEach(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((target) => [target.uri, target])).values()]
}

/** The newest version of each record. */
function newestOf(writes: readonly Write[], { force = false }: Options): Write[] {
  const newest = new Map<string, Write>()
  for (const write of writes) {
    const other = newest.get(keyOf(write))
    const newer = !other || write.rev > other.rev || (force && write.rev === other.rev)
    if (newer) newest.set(keyOf(write), write)
  }
  return [...newest.values()]
}
