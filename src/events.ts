import type { RefusalReason } from './firehose/refusal.ts'

/** How a number is counted up: only ever more, spread over buckets, or read when asked for. */
export type Kind = 'counter' | 'histogram' | 'gauge'

/** Units of https://ucum.org, as OpenTelemetry writes them; in braces, what is counted. */
export type Unit = 's' | 'By' | '1' | `{${string}}`

/** One number worth knowing. `labels` says of each what its values are; they are few by nature:
 *  hosts that are listened to, methods that are served, or names in this program. */
export type Declaration<K extends Kind = Kind, L extends string = string> = {
  readonly kind: K
  readonly unit: Unit
  readonly help: string
  readonly labels: Readonly<Record<L, string>>
  /** upper ends of the buckets, in the unit */
  readonly bounds?: readonly number[]
  /** what the labels are, for the compiler only */
  readonly shape?: Readonly<Record<L, string>>
}

type Shape = Readonly<Record<string, string>>
type Said<S extends Shape> = {
  unit: Unit
  help: string
  labels: { readonly [L in keyof S & string]: string }
}
type Named<K extends Kind, S extends Shape> = Declaration<K, keyof S & string> & {
  readonly shape?: S
}

const counter = <S extends Shape>(said: Said<S>): Named<'counter', S> => ({
  kind: 'counter',
  ...said,
})
const gauge = <S extends Shape>(said: Said<S>): Named<'gauge', S> => ({ kind: 'gauge', ...said })
const histogram = <S extends Shape>(
  said: Said<S> & { bounds: readonly number[] },
): Named<'histogram', S> => ({ kind: 'histogram', ...said })

type None = Readonly<Record<never, string>>
type ByHost = { host: string }

const HOST = 'origin of a host listened to'
const REASON = 'a name from the tables of refusals'
/** From a tenth of a millisecond to ten seconds, in three steps a decade. */
const SECONDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05]
const LONG_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10]

/** Everything that is worth counting, in one place. The exported name is made by `metricName`. */
export const declarations = {
  'firehose.frames': counter<ByHost>({
    unit: '{frame}',
    help: 'Frames received from a host, before anything is known of them',
    labels: { host: HOST },
  }),
  'firehose.events': counter<{ host: string; kind: string }>({
    unit: '{event}',
    help: 'Messages that were verified, or need no proof, and went to the store',
    labels: { host: HOST, kind: 'commit, sync, identity, account, repo or lost' },
  }),
  'firehose.refused': counter<{ host: string; reason: RefusalReason }>({
    unit: '{message}',
    help: 'Messages that are not true or not well formed',
    labels: { host: HOST, reason: REASON },
  }),
  'firehose.verification': histogram<{ kind: 'commit' | 'sync' }>({
    unit: 's',
    help: 'Time from giving a signed message to the verifier to its verdict',
    labels: { kind: 'commit or sync' },
    bounds: [...SECONDS, ...LONG_SECONDS],
  }),
  'firehose.connected': gauge<ByHost>({
    unit: '{connection}',
    help: '1 while the stream of the host is open, otherwise 0',
    labels: { host: HOST },
  }),
  'firehose.cursor': gauge<ByHost>({
    unit: '{event}',
    help: 'Sequence number of the newest event read',
    labels: { host: HOST },
  }),
  'firehose.lag.events': gauge<ByHost>({
    unit: '{event}',
    help: 'Events not yet in the views: of the own PDS all it has written, of others those read',
    labels: { host: HOST },
  }),
  'firehose.lag': gauge<ByHost>({
    unit: 's',
    help: 'How far behind the host the views are; absent while that cannot be known',
    labels: { host: HOST },
  }),
  'firehose.queued': gauge<ByHost>({
    unit: '{frame}',
    help: 'Frames read and not yet stored',
    labels: { host: HOST },
  }),
  'firehose.queued.size': gauge<ByHost>({
    unit: 'By',
    help: 'Bytes of the frames read and not yet stored',
    labels: { host: HOST },
  }),
  'verifier.queued': gauge<None>({
    unit: '{message}',
    help: 'Messages given to the verifier and not yet answered',
    labels: {},
  }),
  'store.batch': histogram<None>({
    unit: '{event}',
    help: 'Events in a batch that was stored',
    labels: {},
    bounds: [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000],
  }),
  'store.apply': histogram<None>({
    unit: 's',
    help: 'Time a batch took to be stored, in one transaction with the cursor',
    labels: {},
    bounds: [...SECONDS.slice(3), ...LONG_SECONDS],
  }),
  'store.failed': counter<None>({
    unit: '{batch}',
    help: 'Batches the database did not take; they are tried again',
    labels: {},
  }),
  'store.outcomes': counter<{ outcome: string }>({
    unit: '{effect}',
    help: 'What became of the records and events of stored batches',
    labels: { outcome: 'indexed, removed, older, refused and others' },
  }),
  'resync.started': counter<None>({
    unit: '{repo}',
    help: 'Repos that were begun to be fetched whole',
    labels: {},
  }),
  'resync.completed': counter<None>({
    unit: '{repo}',
    help: 'Repos that were fetched whole and are synchronized',
    labels: {},
  }),
  'resync.failed': counter<{ reason: string }>({
    unit: '{repo}',
    help: 'Repos that could not be fetched; each is tried again later',
    labels: { reason: REASON },
  }),
  'resync.duration': histogram<None>({
    unit: 's',
    help: 'Time from taking a repo up to its being synchronized',
    labels: {},
    bounds: [...SECONDS.slice(6), ...LONG_SECONDS, 20, 50, 100, 200, 500],
  }),
  repos: gauge<{ state: string }>({
    unit: '{repo}',
    help: 'Repos by state, counted in Postgres',
    labels: { state: 'desynchronized, in-progress or synchronized' },
  }),
  quarantined: gauge<{ reason: string }>({
    unit: '{record}',
    help: 'Records kept and not shown, counted in Postgres',
    labels: { reason: 'a name from its collection, or SchemaMismatch and others' },
  }),
  'validator.attested': counter<{ phase: 'lock' | 'apply' }>({
    unit: '{attestation}',
    help: 'Attestations of the validator of this node, those given again too',
    labels: { phase: 'lock for votes, apply for transfers applied' },
  }),
  'validator.refused': counter<{ phase: 'lock' | 'apply'; reason: string }>({
    unit: '{request}',
    help: 'Orders and certificates that the validator has refused',
    labels: { phase: 'lock for orders, apply for certificates', reason: REASON },
  }),
  'validator.epoch': gauge<None>({
    unit: '{epoch}',
    help: 'Number of the epoch that the validator is in',
    labels: {},
  }),
  'validator.phase': gauge<{ phase: 'open' | 'draining' | 'sealed' }>({
    unit: '{epoch}',
    help: '1 for the phase that the epoch of the validator is in, otherwise 0',
    labels: { phase: 'open, draining or sealed' },
  }),
  'validator.unpublished': gauge<None>({
    unit: '{transfer}',
    help: 'Transfers it has applied of which no certificate was read here: how far views are behind',
    labels: {},
  }),
  'ledger.transfers.refused': counter<{ reason: string }>({
    unit: '{transfer}',
    help: 'Tries to have a transfer of an account of this node certified that were refused',
    labels: { reason: REASON },
  }),
  'ledger.certificates.refused': gauge<{ reason: string }>({
    unit: '{certificate}',
    help: 'Published certificates that do not hold, counted in Postgres',
    labels: { reason: REASON },
  }),
  'xrpc.requests': counter<{ nsid: string; status: string }>({
    unit: '{request}',
    help: 'XRPC requests answered, of the PDS too',
    labels: { nsid: 'a method served here, or other', status: 'HTTP status' },
  }),
  'xrpc.duration': histogram<{ nsid: string }>({
    unit: 's',
    help: 'Time from an XRPC request to the end of its answer',
    labels: { nsid: 'a method served here, or other' },
    bounds: [...SECONDS.slice(3), ...LONG_SECONDS],
  }),
  'database.connections': gauge<{ pool: string; state: 'used' | 'idle' }>({
    unit: '{connection}',
    help: 'Connections to Postgres',
    labels: { pool: 'main, or points for lookups by key', state: 'used or idle' },
  }),
  'database.waiting': gauge<{ pool: string }>({
    unit: '{query}',
    help: 'Who waits for a connection to Postgres',
    labels: { pool: 'main, or points for lookups by key' },
  }),
  'event.loop.delay': gauge<{ quantile: '0.5' | '0.99' | '1' }>({
    unit: 's',
    help: 'How late timers were since the last scrape',
    labels: { quantile: '0.5, 0.99, or 1 for the worst' },
  }),
  'event.loop.utilization': gauge<None>({
    unit: '1',
    help: 'Share of the time since the last scrape in which the event loop was busy',
    labels: {},
  }),
  'process.cpu': counter<None>({
    unit: 's',
    help: 'Processor time of this process, all threads',
    labels: {},
  }),
  'process.resident.memory': gauge<None>({
    unit: 'By',
    help: 'Memory of this process, without that of Postgres',
    labels: {},
  }),
  'process.heap': gauge<{ part: 'used' | 'total' | 'external' }>({
    unit: 'By',
    help: 'JavaScript heap, and what lies outside it for its objects',
    labels: { part: 'used, total or external' },
  }),
} as const

type Declarations = typeof declarations
type Shaped<N extends EventName> = NonNullable<Declarations[N]['shape']>

/** A name declared here. */
export type EventName = keyof Declarations
type NameOf<K extends Kind> = {
  [N in EventName]: Declarations[N]['kind'] extends K ? N : never
}[EventName]

/** Names that are counted up. */
export type CounterName = NameOf<'counter'>
/** Names whose values are spread over buckets. */
export type HistogramName = NameOf<'histogram'>
/** The labels that a name is counted by, each with its value. */
export type LabelsOf<N extends EventName> = { readonly [L in keyof Shaped<N>]: Shaped<N>[L] }

/** Where parts of the node say what has happened. All of it is cheap enough for every message,
 *  never throws, and uses no time but its own; a simulation takes `noEvents`. */
export type Events = {
  /** `by` more of a thing, one unless said. */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void
  /** One more value, in the declared unit. */
  record<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void
  /** Starts a stopwatch; what it returns, when called, records the seconds since. */
  time<N extends HistogramName>(name: N, labels: LabelsOf<N>): () => void
}

const nothing = (): void => undefined

/** Counts nothing: for simulations, tools and tests. */
export const noEvents: Events = { count: nothing, record: nothing, time: () => nothing }

const UNIT_SUFFIX: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' }

/** The name that Prometheus knows a declared one by. What every process has is not ours by name,
 *  so that ready dashboards find it. */
export function metricName(name: EventName): string {
  const { kind, unit } = declarations[name]
  const bare = `${name.replaceAll('.', '_')}${UNIT_SUFFIX[unit] ?? ''}`
  const full = `${name.startsWith('process.') ? '' : 'angelos_'}${bare}`
  return kind === 'counter' ? `${full}_total` : full
}
