import type { FirehoseEvent, RecordWrite } from '../../src/firehose/event.ts'
import type { MemoryStore, StoreDump } from '../../src/firehose/memory-store.ts'
import type { Standing } from '../../src/firehose/standing.ts'
import type { Batch, SyncStore } from '../../src/firehose/store.ts'
import type { Kept } from './wire.ts'
import type { Person } from './person.ts'
import type { Stage } from './stage.ts'
import { linkOf } from './tree.ts'

/** Found to be false while a consumer ran. */
export class Violation extends Error {}

/** Holds what a consumer does against what is true. */
export type Oracle = {
  /** A consumer begins, and knows only what is stored. */
  begins: () => void
  arrived: (host: string, kept: Kept) => void
  /** A part of the host's stream has not arrived and never will, unknown to the consumer. */
  lost: (kept: Kept) => void
  /** The consumer was given an old state of a repo as if it were the newest. */
  stale: (did: string) => void
  before: (call: keyof SyncStore, args: readonly unknown[]) => Promise<void>
  after: (call: keyof SyncStore, args: readonly unknown[], answered: boolean) => Promise<void>
  /** The first difference between the truth and what is shown now. With `fair` only that counts
   *  which a consumer could know without looking at every host by itself. */
  difference(how: { fair: boolean }): string | undefined
}

/** Makes the oracle of a stage; `inScope` says which accounts the consumer was told to follow. */
export function createOracle(
  stage: Stage,
  store: MemoryStore,
  inScope: (person: Person) => boolean,
): Oracle {
  const people = new Map(stage.people.map((person) => [person.did, person]))
  /** true frames that have reached the consumer, and whose effect no cursor has passed yet */
  const due = new Map<string, Kept[]>()
  let repeated: Standing[] = []
  /** the last number told of an account by a host, since the consumer began */
  const told = new Map<string, number>()

  function checkWrites(did: string, writes: readonly RecordWrite[]): void {
    const person = people.get(did)
    for (const { collection, rkey, cid, bytes } of writes) {
      const path = `${collection}/${rkey}`
      if (cid === null) continue
      if (bytes === null || linkOf(bytes) !== cid) throw new Violation(`${cid} of ${did} is false`)
      if (person?.ever.has(`${path} ${cid}`)) continue
      throw new Violation(`${did} is said to have written ${path} ${cid}, and never did`)
    }
  }

  function checkEvents(events: readonly FirehoseEvent[]): void {
    for (const event of events) {
      if (event.kind === 'commit') checkWrites(event.did, event.writes)
    }
  }

  /** What a host says of one account is told in the order in which it was said; without an answer
   *  it is told again. */
  function checkOrder({ host, events }: Batch, answered: boolean): void {
    for (const { kind, did, seq } of events) {
      if (host === '' || kind === 'refused' || kind === 'lost' || seq === 0) continue
      const name = `${host} ${did}`
      if (seq < (told.get(name) ?? 0)) throw new Violation(`${did}: ${seq} of ${host} comes late`)
      if (answered) told.set(name, seq)
    }
  }

  /** Accounts of which a batch tells only what is known: nothing may come of it. */
  async function repeatedIn(events: readonly FirehoseEvent[]): Promise<Standing[]> {
    const standings = await store.standings(events.map(({ did }) => did))
    return [...standings.values()].filter(({ did, state, rev: held, upstream }) => {
      if (state !== 'synchronized' || upstream !== 'active' || held === null) return false
      return events.every((event) => {
        if (event.did !== did) return true
        return event.kind === 'commit'
          ? event.rev <= held
          : event.kind === 'sync' && event.rev < held
      })
    })
  }

  /** A cursor may pass a commit only when it was applied, or its loss is known. */
  async function checkPassed({ host, cursor }: Batch): Promise<void> {
    if (cursor === undefined) return
    const waiting = due.get(host) ?? []
    due.set(
      host,
      waiting.filter(({ seq }) => seq > cursor),
    )
    const behind = waiting.filter(({ seq }) => seq <= cursor)
    const standings = await store.standings(behind.flatMap(({ did }) => did ?? []))
    const row = (await store.hosts()).find((one) => one.host === host)
    for (const kept of behind) {
      const person = people.get(kept.did ?? '')
      if (kept.rev === undefined || person === undefined) continue
      if (!inScope(person) || person.murky || person.hidden || person.hiddenStatus) continue
      // Whoever has missed that it went does not wonder at its return, but will ask for all.
      if (kept.status !== undefined && row?.listing.done === false) continue
      const standing = standings.get(person.did)
      // Until it is known that an account lives here, the host is not listened to for it.
      if (standing?.pds !== host) continue
      const { state, rev, upstream } = standing
      if (state !== 'synchronized' || upstream !== 'active') continue
      if (rev === null || rev < kept.rev) throw passed(host, cursor, kept)
    }
  }

  return {
    begins() {
      told.clear()
      // What an ended consumer had read is read again, or the host says that it is no longer there.
      due.clear()
    },
    arrived(host, kept) {
      const list = due.get(host) ?? []
      list.push(kept)
      due.set(host, list)
      const person = people.get(kept.did ?? '')
      // A commit on top of a lost one shows the gap.
      if (person && kept.status === person.status) person.hiddenStatus = false
      const isHome = host === person?.host.origin
      if (person && isHome && kept.proof && kept.rev === person.state.rev) person.hidden = false
    },
    lost(kept) {
      const person = people.get(kept.did ?? '')
      if (person && kept.status !== undefined) person.hiddenStatus = true
      else if (person) person.hidden = true
    },
    stale(did) {
      const person = people.get(did)
      if (person) person.hidden = true
    },
    async before(call, args) {
      if (call === 'apply') {
        const { events } = args[0] as Batch
        checkEvents(events)
        repeated = await repeatedIn(events)
      }
      if (call === 'resyncPage') checkWrites(args[0] as string, args[2] as RecordWrite[])
    },
    async after(call, args, answered) {
      if (call === 'resetCursor') told.clear()
      if (call !== 'apply') return
      checkOrder(args[0] as Batch, answered)
      await checkPassed(args[0] as Batch)
      const now = await store.standings(repeated.map(({ did }) => did))
      for (const { did, rev } of repeated) {
        const { state, rev: after } = now.get(did) ?? {}
        if (state === 'synchronized' && after === rev) continue
        throw new Violation(`what was known of ${did} is told again and has an effect`)
      }
    },
    difference({ fair }) {
      const dump = store.dump()
      for (const person of stage.people) {
        if (fair && (person.hidden || person.hiddenStatus || person.murky)) continue
        const found = differenceOf(person, dump, inScope(person))
        if (found !== undefined) return `${person.did} at ${person.host.origin}: ${found}`
      }
      const stranger = dump.accounts.find(({ did }) => !people.has(did))
      return stranger === undefined ? undefined : `${stranger.did} does not exist`
    },
  }
}

function passed(host: string, cursor: number, { seq, did, rev }: Kept): Violation {
  return new Violation(`cursor ${cursor} of ${host} has passed ${seq}, rev ${rev} of ${did}`)
}

/** Account by account: records, status, and where the repo is. */
function differenceOf(person: Person, dump: StoreDump, inScope: boolean): string | undefined {
  const { did, status, state } = person
  const prefix = `at://${did}/`
  const shown = new Map(
    dump.shown
      .filter((uri) => uri.startsWith(prefix))
      .map((uri) => [uri.slice(prefix.length), dump.records[uri]?.cid ?? '']),
  )
  if (!inScope) return shown.size > 0 ? 'is shown though nobody follows it' : undefined
  const wrong = recordsDiffer(person.shown(), shown)
  const account = dump.accounts.find((one) => one.did === did)
  if (status === 'deleted') {
    const held = Object.keys(dump.records).some((uri) => uri.startsWith(prefix))
    return held ? 'is deleted and still held' : wrong
  }
  if (account === undefined) return 'is not known'
  if (account.upstream !== status) return `is ${status}, not ${account.upstream}`
  if (status !== 'active') return wrong
  if (account.state !== 'synchronized') return `is ${account.state}: ${account.reason}`
  if (account.rev !== state.rev) return `is at ${state.rev}, not at ${account.rev}`
  const root = state.tree.root.$link
  return account.data === root ? wrong : `has the root ${root}, not ${account.data}`
}

function recordsDiffer(
  truth: ReadonlyMap<string, string>,
  held: ReadonlyMap<string, string>,
): string | undefined {
  for (const [path, cid] of truth) {
    const other = held.get(path)
    if (other !== cid) return other === undefined ? `lacks ${path}` : `has an old ${path}`
  }
  const extra = [...held.keys()].find((path) => !truth.has(path))
  return extra === undefined ? undefined : `has ${extra}, which is gone`
}
