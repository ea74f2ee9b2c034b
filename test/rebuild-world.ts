import fc from 'fast-check'
import { collections } from '../src/appview/collections/index.ts'
import type { Write } from '../src/appview/index-record.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { createSyncStore } from '../src/appview/sync-store.ts'
import type { FirehoseEvent } from '../src/firehose/event.ts'
import type { SyncStore } from '../src/firehose/store.ts'
import type { Rebuilding } from '../src/rebuild/rebuild.ts'
import type { NoRepo, Sources, TakenRepo } from '../src/rebuild/sources.ts'
import { type AppViewDatabase, NOW } from './appview-database.ts'
import { people, someVersions, spaces, writesOf } from './kernel-history.ts'
import { canonical } from './recount.ts'

/** The origin where all repos of a world live. */
export const PDS = 'https://pds.example.net'
const time = NOW.toISOString()
const timers = {
  now: () => NOW,
  sleep: (ms: number) => new Promise<void>((done) => void setTimeout(done, Math.min(ms, 20))),
  breathe: async () => undefined,
  random: Math.random,
}

type Repo = { rev: string | null; records: Map<string, Write> }

/** Repos whose commits the views of a database take in, and that a rebuild can be given. */
export class World {
  readonly db: AppViewDatabase
  readonly store: SyncStore
  readonly repos = new Map<string, Repo>()
  /** repos that nobody gets */
  readonly away = new Set<string>()
  /** called with each account whose repo is about to be taken */
  beforeTaking: (did: string) => Promise<void> = async () => undefined
  readonly taken: string[] = []
  readonly #told: FirehoseEvent[] = []
  #seq = 0
  /** what happens before one repo is taken is over before it happens for another */
  #turn = Promise.resolve()

  constructor(db: AppViewDatabase) {
    this.db = db
    this.store = createSyncStore({ ...db, clock: timers })
  }

  /** Writes of a seed, each a commit of its own, that the views have taken in. */
  async live(count: number, seed: number): Promise<void> {
    for (const write of await someWrites(count, seed)) await this.commit(write)
  }

  /** Writes into the repo; `unseen` keeps the views from hearing of it. */
  async commit(w: Write, { unseen = false } = {}): Promise<void> {
    const { did, collection, rkey, cid, bytes } = w
    const repo = this.repos.get(did) ?? { rev: null, records: new Map<string, Write>() }
    this.repos.set(did, repo)
    const since = repo.rev
    const rev = nextRev(repo.rev, w.rev)
    repo.rev = rev
    const path = `${collection}/${rkey}`
    const before = repo.records.get(path)
    if (cid === null) repo.records.delete(path)
    else repo.records.set(path, { ...w, rev })
    const action = cid === null ? 'delete' : before ? 'update' : 'create'
    const writes = [{ action, did, collection, rkey, cid, bytes }] as const
    const [data, prevData] = [treeOf(rev)!, treeOf(since)]
    const at = { did, rev, since, data, prevData, time, seq: ++this.#seq }
    if (!unseen) await this.tell({ kind: 'commit', ...at, writes: [...writes] })
  }

  /** Tells the views an event of the host. */
  async tell(event: FirehoseEvent): Promise<void> {
    this.#told.push(event)
    await this.store.apply({ host: PDS, events: [event], cursor: event.seq })
  }

  async account(did: string, status: string): Promise<void> {
    const active = status === 'active'
    await this.tell({ kind: 'account', did, active, status, time, seq: ++this.#seq })
  }

  /** Fetches what the views have lost track of, as the node would. */
  async resync(): Promise<void> {
    for (const { did } of await this.store.claim({ limit: 100, now: NOW })) {
      const { rev, records } = this.repos.get(did)!
      const paths = [...records].map(([path, w]) => ({ path, cid: w.cid }))
      const held = new Map(
        (await this.store.held(did, '', 10_000)).map(({ path, cid }) => [path, cid]),
      )
      const changed = paths.filter(({ path, cid }) => held.get(path) !== cid)
      const gone = [...held.keys()].filter((path) => !records.has(path))
      await this.store.resyncPage(did, rev!, [
        ...changed.map(({ path }) => ({ ...records.get(path)!, action: 'update' as const })),
        ...gone.map((path) => deletion(did, path)),
      ])
      const end = { rev: rev!, data: treeOf(rev)!, pds: PDS, upstream: 'active', queued: [] }
      await this.store.resyncDone(did, end)
    }
  }

  /** The same as `told` to the views of another database. */
  async retell(other: AppViewDatabase): Promise<void> {
    const store = createSyncStore({ ...other, clock: timers })
    await store.apply({ host: PDS, events: this.#told, cursor: this.#seq })
  }

  rebuilding(more: Partial<Rebuilding> = {}): Rebuilding {
    const { pool, indexer } = this.db
    const ownRepos = { accounts: new Map(), read: async () => Promise.reject(new Error('none')) }
    const sources: Sources = { cars: new Set(), take: (account) => this.#take(account.did) }
    return { pool, indexer, sources, ownRepos, ownPds: 'own', timers, report: quiet, ...more }
  }

  /** The same for views that know nobody: the repos are those of the own PDS. */
  rebuildingOwn(): Rebuilding {
    const status = (did: string) => (this.away.has(did) ? 'deactivated' : 'active')
    const own = [...this.repos.keys()].map(
      (did) => [did, { did, handle: `${did.slice(8)}.test`, status: status(did) }] as const,
    )
    const ownRepos = { accounts: new Map(own), read: async () => Promise.reject(new Error('none')) }
    const take = async ({ did }: { did: string }) => {
      const repo = await this.#take(did)
      return repo.ok ? ({ ...repo, from: 'own' } as const) : repo
    }
    return this.rebuilding({ ownRepos, ownPds: PDS, sources: { cars: new Set(), take } })
  }

  async #take(did: string): Promise<TakenRepo | NoRepo> {
    const turn = this.#turn.then(() => this.beforeTaking(did))
    this.#turn = turn.catch(() => undefined)
    await turn
    this.taken.push(did)
    const repo = this.repos.get(did)
    if (!repo?.rev || this.away.has(did))
      return { ok: false, reason: 'Unreachable', detail: 'nobody there' }
    const records = [...repo.records.values()].map(({ collection, rkey, cid, bytes }) => {
      return { collection, rkey, cid: cid!, bytes: bytes! }
    })
    const { rev } = repo
    return { ok: true, from: 'pds', rev, data: treeOf(rev)!, pds: PDS, handle: null, records }
  }
}

/** Writes of a few accounts that refer to each other, the same for the same seed. */
export async function someWrites(count: number, seed: number): Promise<Write[]> {
  return writesOf(fc.sample(someVersions, { numRuns: count, seed }))
}

/** Everybody who may have written. */
export const everybody = [...spaces, ...people]

/** Every row of the tables that a rebuild makes, times included; deletions are not rows. */
export async function viewRows(pool: SqlPool): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const kept = ['record', 'spaceRecord', 'spaceRepo']
  for (const name of [...kept, ...collections.map((c) => c.table)]) {
    const { rows } = await pool.query(`select * from appview."${name}"`)
    const there = rows.filter(({ cid }) => cid !== null)
    found[name] = there.map((row) => canonical({ ...row, search: null })).toSorted()
  }
  return found
}

function treeOf(rev: string | null): string | null {
  return rev && `tree at ${rev}`
}

/** Revisions rise, also when the same writes come a second time. */
function nextRev(last: string | null, wanted: string): string {
  if (last === null || wanted > last) return wanted
  const digits = last.split('')
  for (let at = digits.length - 3; at > 0; at--) {
    const next = DIGITS[DIGITS.indexOf(digits[at]!) + 1]
    digits[at] = next ?? DIGITS[0]!
    if (next) break
  }
  return digits.join('')
}

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

function deletion(did: string, path: string) {
  const [collection = '', rkey = ''] = path.split('/')
  return { action: 'delete' as const, did, collection, rkey, cid: null, bytes: null }
}

function quiet(): void {}
