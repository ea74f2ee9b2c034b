import type { SqlPool } from './appview/sql.ts'
import type { Clock } from './clock.ts'
import type { FirehoseEvent, Sink, SyncEvent } from './firehose/event.ts'
import { fetchRepo } from './firehose/resync.ts'
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

/** Completes what the firehose tells before it is applied: handles are proved, and a repo that
 *  changed without telling how is fetched whole. Runs outside the transaction that applies it. */
export function completed(sink: Sink, parts: Parts): Sink {
  const complete = async (event: FirehoseEvent): Promise<FirehoseEvent> => {
    if (event.kind === 'identity') return withHandle(event, parts)
    return event.kind === 'sync' ? withRepo(event, parts) : event
  }
  return async (batch) => {
    await sink({ ...batch, events: await Promise.all(batch.events.map(complete)) })
  }
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

/** An account that comes back, or was moved here, tells only its commit. */
async function withRepo(event: SyncEvent, parts: Parts): Promise<FirehoseEvent> {
  const { sql, resolver, outbound, own, clock } = parts
  const { rows } = await sql.query<{ data: string | null }>(
    'select data from appview.account where did = $1',
    [event.did],
  )
  if (rows[0]?.data === event.data) return event
  const identity = await resolver.resolve(event.did)
  if (!identity) return event
  const here = identity.pds === own.host
  const repo = await fetchRepo({
    identity,
    service: here ? own.service : identity.pds,
    outbound: here ? (url, init) => fetch(url, init) : outbound,
    collections: (nsid) => nsid.startsWith(ownPrefix),
    now: clock.now(),
  })
  if (repo.ok) return { ...event, kind: 'repo', ...repo }
  const { seq, did, time } = event
  return { kind: 'refused', seq, did, time, ...repo, frame: new Uint8Array() }
}
