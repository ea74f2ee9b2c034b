import type { SqlPool } from './appview/sql.ts'
import type { Clock } from './clock.ts'
import type { CommitEvent, FirehoseEvent, Sink, SyncEvent } from './firehose/event.ts'
import { type RepoSnapshot, fetchRepo } from './firehose/resync.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { ownPrefix } from './pds/validate.ts'

type Parts = {
  sql: SqlPool
  pds: NodePds
  resolver: IdentityResolver
  outbound: Outbound
  clock: Clock
  /** The own PDS: its name in the views, and where this process reaches it. */
  own: { host: string; service: string }
}

/** Where the views have a repo, as far as known; `rev` null before its first commit. */
type Standing = { rev: string | null; data: string | null }

/** Completes what the firehose tells before it is applied: handles are proved, and a repo whose
 *  commits do not follow on what the views hold, or that tells only where it is, is fetched whole.
 *  Runs outside the transaction that applies it; when a PDS does not answer, it throws. */
export function completed(sink: Sink, parts: Parts): Sink {
  return async (batch) => {
    const standings = await readStandings(parts.sql, batch.events)
    const events: FirehoseEvent[] = []
    for (const event of batch.events) {
      const complete = await completeOne(event, standings, parts)
      if (complete.kind === 'commit' || complete.kind === 'repo')
        standings.set(complete.did, { rev: complete.rev, data: complete.data })
      events.push(complete)
    }
    await sink({ ...batch, events })
  }
}

async function completeOne(
  event: FirehoseEvent,
  standings: ReadonlyMap<string, Standing>,
  parts: Parts,
): Promise<FirehoseEvent> {
  if (event.kind === 'identity') return withHandle(event, parts)
  if (event.kind !== 'commit' && event.kind !== 'sync') return event
  const held = standings.get(event.did) ?? { rev: null, data: null }
  if (!isGap(event, held)) return event
  const repo = await repoOf(event.did, parts)
  if (!repo) return event
  const { seq, did, time } = event
  const { rev, data, records } = repo
  return { kind: 'repo', seq, did, time, rev, data, records }
}

/** Whether something happened to the repo between what is held and this event. */
function isGap(event: CommitEvent | SyncEvent, held: Standing): boolean {
  if (held.rev !== null && event.rev <= held.rev) return false
  return event.kind === 'sync' ? event.data !== held.data : event.since !== held.rev
}

async function readStandings(
  sql: SqlPool,
  events: readonly FirehoseEvent[],
): Promise<Map<string, Standing>> {
  const dids = events.flatMap((e) => (e.kind === 'commit' || e.kind === 'sync' ? [e.did] : []))
  if (dids.length === 0) return new Map()
  const { rows } = await sql.query<Standing & { did: string }>(
    { name: 'standings', text: 'select did, rev, data from appview.account where did = any($1)' },
    [dids],
  )
  return new Map(rows.map(({ did, ...standing }) => [did, standing]))
}

/** A handle in a DID document is a claim; the views get it only when it points back. */
async function withHandle(
  event: FirehoseEvent & { kind: 'identity' },
  { pds, resolver }: Parts,
): Promise<FirehoseEvent> {
  const own = await pds.handleOf(event.did)
  if (own !== undefined) return { ...event, handle: own }
  const identity = await resolver.resolve(event.did).catch(() => undefined)
  return { ...event, handle: identity && (await resolver.verifyHandle(identity)) }
}

/** The repo as its PDS has it; undefined when that is not served or does not hold, and the event
 *  is all there is to go by. */
async function repoOf(did: string, parts: Parts): Promise<RepoSnapshot | undefined> {
  const { resolver, outbound, own, clock } = parts
  const identity = await resolver.resolve(did)
  if (!identity) return undefined
  const here = identity.pds === own.host
  const repo = await fetchRepo({
    identity,
    service: here ? own.service : identity.pds,
    outbound: here ? (url, init) => fetch(url, init) : outbound,
    collections: (nsid) => nsid.startsWith(ownPrefix),
    now: clock.now(),
  })
  return repo.ok ? repo : undefined
}
