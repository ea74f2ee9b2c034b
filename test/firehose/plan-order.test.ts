import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CommitEvent, FirehoseEvent, RecordWrite } from '../../src/firehose/event.ts'
import { type MemoryStore, createMemoryStore } from '../../src/firehose/memory-store.ts'
import { NOW, PDS, account, did, identity, lost, refused, sync } from './plan-events.ts'

const HOST = 'https://relay.example.net'
const collection = 'app.example.note'
const clock = { now: () => NOW }
/** When every time to wait is over. */
const LATER = new Date(NOW.getTime() + 3_600_000)

/** The repo after each of its commits: its records by key, and the commit that made it so. */
type History = { records: Map<string, string>; commit: CommitEvent }[]

const changes = fc.array(
  fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.boolean()), { maxLength: 3 }),
  { minLength: 1, maxLength: 8 },
)

function historyOf(commits: [string, boolean][][]): History {
  const history: History = []
  for (const [n, edits] of commits.entries()) {
    const records = new Map(history.at(-1)?.records)
    const writes = [...new Map(edits)].map(([rkey, deletes]): RecordWrite => {
      const action = records.has(rkey) ? (deletes ? 'delete' : 'update') : 'create'
      const cid = action === 'delete' ? null : `${rkey}${n}`
      if (cid === null) records.delete(rkey)
      else records.set(rkey, cid)
      return { action, did, collection, rkey, cid, bytes: cid === null ? null : new Uint8Array() }
    })
    const before = history.at(-1)?.commit
    const place = { rev: `r${n}`, since: before?.rev ?? null }
    const data = { data: `d${n}`, prevData: before?.data ?? null }
    const time = NOW.toISOString()
    history.push({
      records,
      commit: { kind: 'commit', seq: n, did, ...place, ...data, time, writes },
    })
  }
  return history
}

/** What comes from hosts, and what the fetching of the repo does meanwhile; `at` picks a commit. */
const steps = fc.array(
  fc.record({
    at: fc.nat(7),
    what: fc.oneof(
      { arbitrary: fc.constantFrom('commit'), weight: 8 },
      { arbitrary: fc.constantFrom('begin', 'page', 'end'), weight: 4 },
      fc.constantFrom('sync', 'lost', 'moved', 'refused', 'off', 'on', 'deleted', 'away', 'home'),
    ),
  }),
  { maxLength: 40, size: 'max' },
)
type Step = { at: number; what: string }

function eventOf({ at, what }: Step, history: History): FirehoseEvent {
  const { commit } = history[at % history.length]!
  const { rev, data } = commit
  const events: Record<string, FirehoseEvent> = {
    commit,
    sync: sync(rev, data),
    lost: lost('QueueFull'),
    moved: refused(true),
    refused: refused(false),
    off: account('deactivated'),
    on: account(),
    deleted: account('deleted'),
    away: identity('https://new.example.org'),
    home: identity(PDS),
  }
  return events[what]!
}

/** Fetches the repo as the worker does: from a claim, over pages, to the end. */
class Fetching {
  readonly #store: MemoryStore
  readonly applied: string[] = []
  #now: { at: History[number]; queue: FirehoseEvent[] } | undefined

  constructor(store: MemoryStore) {
    this.#store = store
  }

  async tell(event: FirehoseEvent): Promise<void> {
    const { outcomes, queued } = await this.#store.apply({ host: HOST, events: [event] })
    if (outcomes['applied'] && event.kind === 'commit') this.applied.push(event.rev)
    this.#now?.queue.push(...queued)
    if (!this.#now && queued.length > 0) throw new Error('queued while nobody fetches')
  }

  async begin(at: History[number]): Promise<boolean> {
    if (this.#now) return false
    const [claim] = await this.#store.claim({ limit: 1, now: LATER })
    if (!claim) return false
    this.#now = { at, queue: [] }
    const held = (await this.#store.standings([did])).get(did)!.rev
    if (held === null || at.commit.rev >= held) return true
    this.#now = undefined
    await this.#store.resyncFailed(did, { reason: 'OlderRev', retryAt: NOW })
    return true
  }

  async page(): Promise<void> {
    if (!this.#now) return
    const { records, commit } = this.#now.at
    const held = new Map((await this.#store.held(did, '', 100)).map((r) => [r.path, r.cid]))
    const writes: RecordWrite[] = []
    for (const [rkey, cid] of records) {
      if (held.get(`${collection}/${rkey}`) === cid) continue
      writes.push({ action: 'create', did, collection, rkey, cid, bytes: new Uint8Array() })
    }
    for (const path of held.keys()) {
      const rkey = path.slice(collection.length + 1)
      if (records.has(rkey)) continue
      writes.push({ action: 'delete', did, collection, rkey, cid: null, bytes: null })
    }
    await this.#store.resyncPage(did, commit.rev, writes)
  }

  async end(): Promise<void> {
    if (!this.#now) return
    await this.page()
    const { at, queue } = this.#now
    this.#now = undefined
    const { rev, data } = at.commit
    const end = { rev, data, pds: PDS, upstream: 'active', queued: queue }
    const { outcomes, revs } = await this.#store.resyncDone(did, end)
    if (outcomes['applied']) this.applied.push(revs.get(did)!)
  }
}

async function play(history: History, told: readonly Step[]) {
  const store = createMemoryStore({ clock })
  const fetching = new Fetching(store)
  for (const step of told) {
    const at = history[step.at % history.length]!
    if (step.what === 'begin') await fetching.begin(at)
    else if (step.what === 'page') await fetching.page()
    else if (step.what === 'end') await fetching.end()
    else await fetching.tell(eventOf(step, history))
  }
  return { store, fetching }
}

test('whatever comes in whatever order, the end is what the host has', async () => {
  await fc.assert(
    fc.asyncProperty(changes, steps, async (commits, told) => {
      const history = historyOf(commits)
      const { store, fetching } = await play(history, told)
      const last = history.at(-1)!
      // The newest status and the newest commit come in the end, the rest as it likes.
      await fetching.tell(account())
      await fetching.tell(identity(PDS))
      await fetching.tell(last.commit)
      await fetching.tell(sync(last.commit.rev, last.commit.data))
      await fetching.end()
      for (let turn = 0; turn < 3 && (await fetching.begin(last)); turn++) await fetching.end()

      const { accounts, shown, records } = store.dump()
      const { rev, data } = last.commit
      expect(accounts).toMatchObject([{ did, state: 'synchronized', rev, data, attempts: 0 }])
      const truth = [...last.records].map(([rkey, cid]) => [
        `at://${did}/${collection}/${rkey}`,
        cid,
      ])
      expect(shown.map((uri) => [uri, records[uri]!.cid])).toEqual(
        truth.toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
      )
    }),
    { numRuns: 500 },
  )
})

test('a commit is applied once at most, however often it comes', async () => {
  await fc.assert(
    fc.asyncProperty(changes, steps, async (commits, told) => {
      // After its deletion an account starts from nothing, and its commits may come again.
      const kept = told.filter(({ what }) => what !== 'deleted')
      const { fetching } = await play(historyOf(commits), kept)
      expect(fetching.applied).toEqual([...new Set(fetching.applied)].toSorted())
    }),
    { numRuns: 500 },
  )
})

test('many events in one batch do what they do one by one', async () => {
  await fc.assert(
    fc.asyncProperty(changes, steps, async (commits, told) => {
      const history = historyOf(commits)
      const events = told
        .filter(({ what }) => !['begin', 'page', 'end'].includes(what))
        .map((step) => eventOf(step, history))
      const single = createMemoryStore({ clock })
      for (const event of events) await single.apply({ host: HOST, events: [event] })
      const batch = createMemoryStore({ clock })
      await batch.apply({ host: HOST, events })
      expect(batch.dump()).toEqual(single.dump())
    }),
    { numRuns: 500 },
  )
})
