import { type Infer, type Main, type RecordSchema, getMain, type l } from '@atproto/lex'
import type { Access, AudienceName } from './access-rules.ts'
import type { SizeName } from './images/sizes.ts'
import type { Machine } from './machine.ts'

/** One column: its Postgres type, and the TypeScript type a row carries for it. */
export type Column<T> = {
  readonly sql: string
  readonly nullable: boolean
  /** Whether its values are DIDs of accounts, or uris of records. */
  readonly names?: 'account' | 'record'
  /** Phantom: carries the row's type, never a value. */
  readonly type?: T
  optional(): Column<T | null>
}

export type Columns = Readonly<Record<string, Column<unknown>>>
export type RowOf<C extends Columns> = { [K in keyof C]: C[K] extends Column<infer T> ? T : never }

/** Columns every table has; the indexer fills them, a collection never does. */
export type Stamp = {
  uri: l.AtUriString
  /** The permissioned space the record stands in; empty for one in a public repo. */
  place: string
  cid: l.CidString
  did: l.DidString
  rkey: string
  rev: string
  indexedAt: Date
}

/** A row of any collection, as the generic parts of the kernel see it. */
export type Row = Stamp & Record<string, unknown>

/** A record that has passed signature, schema and key checks. */
export type Verified<S extends RecordSchema> = {
  readonly uri: l.AtUriString
  readonly did: l.DidString
  readonly rkey: string
  /** The permissioned space it stands in; empty in a public repo. */
  readonly place: string
  readonly record: Infer<S>
  /** The time the author claims, but never later than the commit that carried it. */
  readonly claimed: (datetime: string) => Date
}

/** Where a derived column's value comes from: rows of `source` whose columns equal ours. */
type From = {
  /** Table of the collection looked at. */
  readonly source: string
  /** Source column → our column; a source row is about us when all of them are equal. */
  readonly on: Readonly<Record<string, string>>
  /** Only source rows with these values. */
  readonly where?: Readonly<Record<string, string | boolean>>
}

export type Derivation =
  | { readonly kind: 'count' }
  | { readonly kind: 'exists'; readonly places?: string }
  | { readonly kind: 'newest'; readonly value: string; readonly by: string }
  | { readonly kind: 'tally'; readonly value: string; readonly once: string }

/** A column computed from rows of another collection, whichever of the two arrives first. */
export type Derived<T = unknown> = From & { readonly column: Column<T>; readonly pick: Derivation }

/** One declared list: an XRPC query answered newest first, filtered by its parameters. */
export type List = {
  readonly query: Main<l.Query>
  /** The column pages are ordered by, together with the uri. */
  readonly newest: string
  /** Query parameter → column it must equal, or an operator and a column. */
  readonly where: Readonly<Record<string, string | readonly [Operator, string]>>
}

/** `has`: the column's array holds the value; `matches`: the search vector finds the words. */
export type Operator = '>=' | '<' | 'has' | 'matches'

/** What a view may look up beside its own row: what its `people` and `media` columns name. */
export type Look = {
  readonly person: (did: l.DidString) => Person
  /** `place` is where the record stands that refers to the blob. */
  readonly blobUrl: (did: string, cid: string, place?: string) => l.UriString
  readonly imageUrl: (did: string, cid: string, size: SizeName) => l.UriString
  /** Undefined while this node knows no media record with this uri. */
  readonly media: (uri: string) => Medium | undefined
  /** What the viewer contributed about this row, as `mine` declares. */
  readonly mine: readonly string[]
}

/** Rows of `source` by the viewer whose column `about` is our uri, told by their `value`. Our tally
 *  `among` counts everybody's, so where it is empty there is nothing of the viewer's either. */
export type Mine = {
  readonly source: string
  readonly about: string
  readonly value: string
  readonly among: string
}

/** A file as it stands in another view: an image in its large rendition, all else as it is. */
export type Medium = {
  url: l.UriString
  alt?: string
  caption?: string
  width?: number
  height?: number
}

/** The little of a person that stands beside what they wrote. */
export type Person = {
  did: l.DidString
  handle: l.HandleString
  displayName?: string
  avatar?: l.UriString
}

export type Example = {
  readonly did?: l.DidString
  readonly rkey?: string
  /** Where it stands when not in a public repo: with this audience of the space it is about. */
  readonly audience?: AudienceName
  readonly record: Readonly<Record<string, unknown>>
}

/** A collection as the kernel sees it: everything generic is driven by these fields. */
export type Collection = {
  readonly nsid: string
  readonly schema: RecordSchema
  readonly table: string
  /** The column with the DID whose invariants the rows obey; first in the table's key. */
  readonly owner: string
  readonly columns: Columns
  readonly derived: Readonly<Record<string, Derived>>
  readonly indexes: readonly (readonly string[])[]
  readonly search?: readonly string[]
  readonly shown?: string
  readonly hidden?: string
  readonly feed?: string
  readonly people: readonly string[]
  readonly media: readonly string[]
  readonly mine?: Mine
  readonly access: Access
  readonly machine?: Machine
  readonly get?: Main<l.Query>
  readonly lists: readonly List[]
  readonly examples: {
    readonly good: readonly Example[]
    readonly bad: Readonly<Record<string, Example>>
  }
  accept(input: Verified<RecordSchema>): string | undefined
  row(input: Verified<RecordSchema>): Record<string, unknown>
  view(row: Row, look: Look): object
}

type Definition<
  S extends RecordSchema,
  C extends Columns,
  D extends Readonly<Record<string, Derived>>,
> = {
  record: Main<S>
  table: string
  /** Default: the author. */
  owner?: keyof C & string
  columns: C
  derived?: D
  indexes?: readonly (readonly ((keyof C & string) | (keyof D & string) | 'did')[])[]
  /** Text columns full-text search looks through. */
  search?: readonly (keyof C & string)[]
  /** A derived boolean column; rows where it is false stay stored and are not shown. */
  shown?: keyof D & string
  /** A derived boolean column; rows where it is true stay stored and are not shown. */
  hidden?: keyof D & string
  /** The column with the DID whose live feed tells of changes to these rows. */
  feed?: (keyof C & string) | 'did'
  /** Columns whose DIDs the view shows as people; lists of DIDs as well. */
  people?: readonly ((keyof C & string) | 'did')[]
  /** Columns with uris of media records the view shows; lists of them as well. */
  media?: readonly (keyof C & string)[]
  mine?: Mine
  access: Access
  /** Its states and the ways between them; views say where a row can go. */
  machine?: Machine & { readonly field: keyof C & string }
  /** Name why a well-formed record must not be shown; undefined accepts it. */
  accept?: (input: Verified<S>) => string | undefined
  row: (input: Verified<S>) => RowOf<C>
  view: (
    row: Stamp &
      RowOf<C> & { [K in keyof D]: D[K] extends { column: Column<infer T> } ? T : never },
    look: Look,
  ) => object
  get?: Main<l.Query>
  lists?: readonly (List & { newest: keyof C & string })[]
  examples: {
    good: readonly (Omit<Example, 'record'> & { record: Omit<Infer<S>, '$type'> })[]
    bad?: Readonly<Record<string, Omit<Example, 'record'> & { record: Omit<Infer<S>, '$type'> }>>
  }
}

/** Declares one record type. The result drives its table, indexing, lists, search and deletion. */
export function collection<
  const S extends RecordSchema,
  const C extends Columns,
  const D extends Readonly<Record<string, Derived>> = Record<never, never>,
>(def: Definition<S, C, D>): Collection {
  const schema = getMain(def.record)
  const erased = def as unknown as Partial<Collection> & Pick<Collection, 'row' | 'view'>
  return {
    nsid: schema.$type,
    schema,
    table: def.table,
    owner: def.owner ?? 'did',
    columns: def.columns,
    derived: withinPlace(def.derived ?? {}),
    indexes: def.indexes ?? [],
    search: def.search,
    shown: def.shown,
    hidden: def.hidden,
    feed: def.feed,
    people: def.people ?? [],
    media: def.media ?? [],
    mine: def.mine,
    access: def.access,
    machine: def.machine,
    get: def.get,
    lists: def.lists ?? [],
    examples: { good: def.examples.good, bad: def.examples.bad ?? {} },
    accept: erased.accept ?? (() => undefined),
    row: erased.row,
    view: erased.view,
  }
}

/** What rows of another place are about must not show in a figure: who may see this row could tell
 *  from it what they may not see. Only that something exists (an admission) counts everywhere. */
function withinPlace(
  derived: Readonly<Record<string, Derived>>,
): Readonly<Record<string, Derived>> {
  const within = (d: Derived): Derived =>
    d.pick.kind === 'exists' ? d : { ...d, on: { ...d.on, place: 'place' } }
  return Object.fromEntries(Object.entries(derived).map(([name, d]) => [name, within(d)]))
}

function column<T>(
  sql: string,
  nullable = false,
  more?: { names: 'account' | 'record' },
): Column<T> {
  return { sql, nullable, ...more, optional: () => column<T | null>(sql, true, more) }
}

/** An account: user, space, tenant or node. */
export const did = (): Column<l.DidString> => column('text', false, { names: 'account' })
/** A record, told by its uri; whoever moves it keeps what refers to it. */
export const record = (): Column<string> => column('text', false, { names: 'record' })
export const text = <T extends string = string>(): Column<T> => column('text')
export const integer = (): Column<number> => column('integer')
export const flag = (): Column<boolean> => column('boolean')
export const timestamp = (): Column<Date> => column('timestamptz')
export const list = <T extends string = string>(): Column<T[]> => column('text[]')
/** A part of the record kept as it is, for showing; nothing is filtered or sorted by it. */
export const part = <T>(): Column<T> => column('jsonb')

/** How many rows of the source are about this row. */
export function count(from: From): Derived<number> {
  return { ...from, column: column('integer'), pick: { kind: 'count' } }
}

/** Whether any row of the source is about this row; of those that list in the column `places` where
 *  they count, whether one counts where this row stands. */
export function exists({ places, ...from }: From & { places?: string }): Derived<boolean> {
  const pick = { kind: 'exists', ...(places !== undefined && { places }) } as const
  return { ...from, column: column('boolean'), pick }
}

/** `value` of the source row about this row that comes last by `by`; null without one. */
export function newest<T>(
  kind: Column<T>,
  from: From & { value: string; by: string },
): Derived<T | null> {
  const { value, by, ...rest } = from
  return { ...rest, column: kind.optional(), pick: { kind: 'newest', value, by } }
}

/** How often each `value` occurs among the source rows about this row, each `once` counted once. */
export function tally(
  from: From & { value: string; once: string },
): Derived<Record<string, number>> {
  const { value, once, ...rest } = from
  return { ...rest, column: column('jsonb'), pick: { kind: 'tally', value, once } }
}

/** A stored instant as views write it: RFC 3339 in UTC. */
export function instant(date: Date): l.DatetimeString {
  return date.toISOString() as l.DatetimeString
}
