import { type Change, type Link, carry, deriveOwn, linksBySource } from './derive.ts'
import type { Collection, Row } from './define.ts'
import { appendToFeeds } from './feed.ts'
import { recordUri } from './reference.ts'
import type { Sql } from './sql.ts'
import { type StoredRecord, rowOf } from './verify-record.ts'
import { type RowStatements, rowStatements, upsertRow } from './write-row.ts'

/** One write of a verified commit. `cid` and `bytes` are null when the write is a delete. */
export type Write = Omit<StoredRecord, 'cid' | 'bytes'> & {
  readonly cid: string | null
  readonly bytes: Uint8Array | null
}

export type Outcome = 'indexed' | 'removed' | 'older' | { readonly refused: string }

/** Applies verified writes to the tables, inside the caller's transaction. Applying a write again,
 *  or an older one after a newer, changes nothing. */
export class Indexer {
  readonly collections: readonly Collection[]
  readonly #byNsid: ReadonlyMap<string, Collection>
  readonly #links: ReadonlyMap<string, readonly Link[]>
  readonly #statements: ReadonlyMap<Collection, RowStatements>

  constructor(collections: readonly Collection[]) {
    this.collections = collections
    this.#byNsid = new Map(collections.map((c) => [c.nsid, c]))
    this.#links = linksBySource(collections)
    this.#statements = new Map(collections.map((c) => [c, rowStatements(c)]))
  }

  /** Keeps the record as it came and shows it as its collection says. With `hidden` it is only
   *  kept, because its author's account is not active. */
  async write(tx: Sql, w: Write, options: { now: Date; hidden?: boolean }): Promise<Outcome> {
    const c = this.#byNsid.get(w.collection)
    const { cid, bytes } = w
    const found = cid !== null && bytes !== null ? rowOf(c, { ...w, cid, bytes }) : undefined
    const refusal = found && 'reason' in found ? found : undefined
    const { rows } = await tx.query<{ indexedAt: Date }>(KEEP, [
      w.did,
      w.collection,
      w.rkey,
      w.cid,
      w.rev,
      w.bytes,
      refusal?.reason ?? null,
      refusal?.detail.slice(0, DETAIL_MAX) ?? null,
      options.now,
    ])
    if (!rows[0]) return 'older'
    const row = found && 'row' in found ? { ...found.row, ...rows[0] } : undefined
    if (c) await this.#show(tx, c, w, { row: options.hidden ? undefined : row })
    return refusal ? { refused: refusal.reason } : row ? 'indexed' : 'removed'
  }

  /** Shows again what is kept of one record: news to readers when its account came back, and with
   *  `quiet` no news, when only the tables were made anew. */
  async restore(
    tx: Sql,
    r: StoredRecord & { indexedAt: Date },
    { quiet = false } = {},
  ): Promise<Outcome> {
    const c = this.#byNsid.get(r.collection)
    const found = rowOf(c, r)
    const refusal = 'reason' in found ? found : undefined
    await tx.query(JUDGE, [
      r.did,
      r.collection,
      r.rkey,
      refusal?.reason ?? null,
      refusal?.detail.slice(0, DETAIL_MAX) ?? null,
    ])
    const row = 'row' in found ? { ...found.row, indexedAt: r.indexedAt } : undefined
    if (c) await this.#show(tx, c, r, { row, quiet })
    return refusal ? { refused: refusal.reason } : 'indexed'
  }

  /** Takes everything one repo wrote out of every table; the records themselves stay kept. */
  async hide(tx: Sql, did: string): Promise<void> {
    for (const c of this.collections) {
      const { rows } = await tx.query<Row>(
        `delete from appview."${c.table}" where "did" = $1 returning *`,
        [did],
      )
      await this.#changed(
        tx,
        c,
        rows.map((before) => ({ before })),
      )
    }
  }

  async #show(
    tx: Sql,
    c: Collection,
    at: Pick<Write, 'did' | 'collection' | 'rkey'>,
    { row, quiet = false }: { row: Record<string, unknown> | undefined; quiet?: boolean },
  ): Promise<void> {
    const statements = this.#statements.get(c)!
    const uri = recordUri(at.did, at.collection, at.rkey)
    const before = (await tx.query<Row>(statements.find, [uri])).rows[0]
    const moved = before && row && ownerOf(c, before) !== ownerOf(c, row)
    if (before && (!row || moved)) await tx.query(statements.remove, [uri])
    if (!row) return before && (await this.#changed(tx, c, [{ before }], quiet))
    if (moved) await this.#changed(tx, c, [{ before }], quiet)
    const kept = moved ? undefined : before
    const written = await upsertRow(tx, c, statements, row)
    const after = kept && sameSubject(c, kept, written) ? written : await deriveOwn(tx, c, written)
    await this.#changed(tx, c, [{ before: kept, after }], quiet)
  }

  /** Carries changed rows on to the feed and to every column computed from them, and so on. */
  async #changed(tx: Sql, c: Collection, changes: readonly Change[], quiet = false): Promise<void> {
    if (changes.length === 0) return
    if (!quiet) await appendToFeeds(tx, c, changes)
    for (const link of this.#links.get(c.table) ?? []) {
      await this.#changed(tx, link.parent, await carry(tx, link, changes), quiet)
    }
  }
}

const DETAIL_MAX = 1_000

/** A record's newest version wins, deletes included; `rev` decides, not the order of arrival. */
const KEEP = `insert into appview.record as r
  (did, collection, rkey, cid, rev, bytes, reason, detail, "indexedAt")
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict (did, collection, rkey) do update set cid = excluded.cid, rev = excluded.rev,
    bytes = excluded.bytes, reason = excluded.reason, detail = excluded.detail,
    "indexedAt" = case when r.cid = excluded.cid then r."indexedAt" else excluded."indexedAt" end
  where r.rev < excluded.rev
  returning "indexedAt"`

const JUDGE = `update appview.record set reason = $4, detail = $5
  where did = $1 and collection = $2 and rkey = $3`

function ownerOf(c: Collection, row: Readonly<Record<string, unknown>>): unknown {
  return row[c.owner]
}

/** Derived columns stay right when nothing they are looked up by has changed. */
function sameSubject(c: Collection, a: Row, b: Row): boolean {
  const columns = Object.values(c.derived).flatMap((d) => Object.values(d.on))
  return columns.every((column) => a[column] === b[column])
}
