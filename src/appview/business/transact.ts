import { type LexValue, lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import type { Clock } from '../../clock.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import { type AuditEvent, appendAudits } from '../audit.ts'
import { checkRecord } from '../check-record.ts'
import { lexRecord } from '../lex-record.ts'
import type { Progress } from '../progress.ts'
import { recordUri, uriIn } from '../reference.ts'
import type { Sql } from '../sql.ts'
import { type Once, answered, keepAnswer } from './once.ts'
import { type Slot, StoreFirst, createSlots } from './slots.ts'

/** A record of a tenant as a decision changes it, in one of its permissioned spaces. */
export type TenantWrite = {
  readonly place: string
  readonly collection: string
  readonly rkey: string
  /** What it becomes, without its type; undefined deletes it. */
  readonly record: Readonly<Record<string, unknown>> | undefined
}

/** What was decided: all of it happens, or nothing. */
export type Decision<T> = {
  /** What the caller is told; kept for as long as a key may be used again, so small and JSON. */
  readonly answer: T
  readonly writes: readonly TenantWrite[]
  readonly jobs?: readonly Job[]
  readonly by: Pick<AuditEvent, 'actor' | 'role' | 'action' | 'reason'>
}

/** A record as it stands, with the version of it. */
export type Standing = { readonly cid: string; readonly record: Record<string, unknown> }

/** What a decision reads and keeps by. */
export type Deciding = {
  /** The transaction that stores what is decided. */
  readonly tx: Sql
  readonly tenant: string
  readonly now: Date
  readonly nextTid: () => string
  /** A record of the tenant as this transaction sees it. */
  read(at: Pick<TenantWrite, 'place' | 'collection' | 'rkey'>): Promise<Standing | undefined>
  /** To be called before records of a place are read in another way: what decisions just before
   *  this one have put down there is stored first. */
  requireStored(place: string): void
}

/** Writes several records of one author within a transaction. */
export type TogetherStore = {
  writeTogether(
    tx: Sql,
    batch: {
      did: string
      places: readonly {
        space: string
        writes: readonly {
          action: 'put' | 'delete'
          collection: string
          rkey: string
          record?: ReturnType<typeof lexRecord>
        }[]
      }[]
    },
  ): Promise<readonly Written[]>
  settled(did: string, spaces: readonly string[]): void
}

type Written = {
  readonly space: string
  readonly rev: string
  readonly results: readonly { uri: string; cid: string | null; prev: string | null }[]
}

/** What changing a tenant's business needs. */
export type Transacting = {
  readonly outbox: Outbox
  readonly together: TogetherStore
  readonly progress: Progress
  readonly clock: Clock
  readonly nextTid: () => string
}

/** Decides and writes, one tenant at a time. */
export type Transact = <T>(
  at: { readonly tenant: string; readonly once?: Once },
  decide: (d: Deciding) => Promise<Decision<T>>,
) => Promise<T>

/** A decision of a transaction that is not stored yet; its revisions are known once it is. */
type Entry = Pick<Decision<unknown>, 'writes' | 'by'> & {
  readonly now: Date
  readonly revs: Map<string, string>
}

/** What is decided in one transaction, and stored together at its end. */
class Pending {
  entries: Entry[] = []
  readonly #paths = new Set<string>()

  holds(at: Path): boolean {
    return this.#paths.has(pathOf(at))
  }

  holdsIn(place: string): boolean {
    return this.entries.some(({ writes }) => writes.some((write) => write.place === place))
  }

  add(entry: Entry): void {
    this.entries.push(entry)
    for (const write of entry.writes) this.#paths.add(pathOf(write))
  }

  takeAll(): Entry[] {
    const all = this.entries
    this.entries = []
    this.#paths.clear()
    return all
  }
}

type Path = Pick<TenantWrite, 'place' | 'collection' | 'rkey'>

const pathOf = ({ place, collection, rkey }: Path) => `${place} ${collection}/${rkey}`

/**
 * Makes what changes tenants' business. `decide` runs inside one Postgres transaction, after those
 * of the same tenant before it: it sees what they have done, and its records, their audit events,
 * its jobs and what it keeps through `tx` are stored together or not at all. It may be run again,
 * so it has no other effects, and reads records of the tenant by `read`, or after `requireStored`:
 * those of decisions just before it are stored with its own. Answers once the views have it. The
 * same key with the same input is answered as the first time; with another it throws
 * `IdempotencyMismatch` (422). What `decide` throws is the caller's answer and undoes what it has
 * done.
 */
export function createTransact(t: Transacting): Transact {
  const slots = createSlots({
    outbox: t.outbox,
    begin: () => new Pending(),
    store: (tx, tenant, pending) => store(t, tx, tenant, pending.takeAll()),
  })
  return async (at, decide) => {
    const { answer, revs } = await slots.run(at.tenant, (slot) => carryOut(t, at, { slot, decide }))
    t.together.settled(at.tenant, [...revs.keys()])
    for (const [space, rev] of revs) await t.progress.reached(at.tenant, rev, space)
    return answer
  }
}

async function carryOut<T>(
  t: Transacting,
  { tenant, once }: { readonly tenant: string; readonly once?: Once },
  how: { slot: Slot<Pending>; decide: (d: Deciding) => Promise<Decision<T>> },
): Promise<{ answer: T; revs: ReadonlyMap<string, string> }> {
  const { tx, queue, batch } = how.slot
  const now = t.clock.now()
  const known = once && (await answered<T>(tx, tenant, once))
  if (known) {
    // What the first one wrote may stand just before it, and not be stored yet.
    if (batch.entries.length > 0) throw new StoreFirst()
    return { answer: known.answer, revs: await revsOf(tx, tenant, known.places) }
  }
  const read: Deciding['read'] = (at) => {
    if (batch.holds(at)) throw new StoreFirst()
    return readRecord(tx, tenant, at)
  }
  const requireStored = (place: string) => {
    if (batch.holdsIn(place)) throw new StoreFirst()
  }
  const decision = await how.decide({ tx, tenant, now, nextTid: t.nextTid, read, requireStored })
  const { answer, jobs = [], by } = decision
  const writes = lastOfEach(decision.writes)
  for (const write of writes) {
    if (write.place === '') throw new Error('a public record lies outside this transaction')
    if (batch.holds(write)) throw new StoreFirst()
    if (write.record) checkRecord({ ...write, did: tenant }, typed(write))
  }
  for (const job of jobs) await queue(job)
  const places = [...new Set(writes.map(({ place }) => place))]
  if (once) await keepAnswer(tx, tenant, once, { answer, places, now })
  const revs = new Map<string, string>()
  batch.add({ writes, by, now, revs })
  return { answer, revs }
}

/** How far repos are now: whoever sends a request again is told when the views have it, too. */
async function revsOf(
  tx: Sql,
  did: string,
  places: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await tx.query<{ space: string; rev: string }>(
    'select space, rev from repo.repo where did = $1 and space = any($2)',
    [did, places],
  )
  return new Map(rows.map(({ space, rev }) => [space, rev]))
}

/** Of two writes of one record in a decision the later counts. */
function lastOfEach(writes: readonly TenantWrite[]): readonly TenantWrite[] {
  return [...new Map(writes.map((write) => [pathOf(write), write])).values()]
}

function typed({ collection, record }: TenantWrite) {
  return { ...record, $type: collection }
}

/** Stores what was decided, with an audit event for each record that has changed. */
async function store(
  t: Transacting,
  tx: Sql,
  tenant: string,
  entries: readonly Entry[],
): Promise<void> {
  const all = entries.flatMap(({ writes }) => writes)
  if (all.length === 0) return
  const places = [...Map.groupBy(all, ({ place }) => place)].map(([space, some]) => ({
    space,
    writes: some.map((write) => {
      const { collection, rkey, record } = write
      if (record === undefined) return { action: 'delete' as const, collection, rkey }
      return { action: 'put' as const, collection, rkey, record: lexRecord(typed(write)) }
    }),
  }))
  const written = await t.together.writeTogether(tx, { did: tenant, places })
  const revs = new Map(written.map(({ space, rev }) => [space, rev]))
  const results = new Map(written.flatMap((one) => one.results.map((r) => [r.uri, r] as const)))
  const events = entries.flatMap(({ writes, by, now, revs: own }) =>
    writes.flatMap(({ place, collection, rkey }) => {
      own.set(place, revs.get(place)!)
      const {
        uri: subject,
        cid,
        prev,
      } = results.get(uriIn(place, recordUri(tenant, collection, rkey)))!
      if (cid === prev) return []
      const before = prev !== null && { before: prev }
      return [{ ...by, ...before, ...(cid !== null && { after: cid }), subject, at: now }]
    }),
  )
  await appendAudits(tx, tenant, events)
}

async function readRecord(
  tx: Sql,
  tenant: string,
  { place, collection, rkey }: Pick<TenantWrite, 'place' | 'collection' | 'rkey'>,
): Promise<Standing | undefined> {
  const { rows } = await tx.query<{ cid: string; bytes: Uint8Array }>(READ, [
    place,
    tenant,
    collection,
    rkey,
  ])
  if (!rows[0]) return undefined
  const { cid, bytes } = rows[0]
  return { cid, record: lexToJson(decode(bytes) as LexValue) as Record<string, unknown> }
}

const READ = {
  name: 'business-record',
  text: `select cid, bytes from repo.record
    where space = $1 and did = $2 and collection = $3 and rkey = $4`,
}
