import { OutboundError } from '../../outbound/outbound-error.ts'
import {
  type Asking,
  type RepoOutcome,
  type RepoSyncPorts,
  ask,
  failed,
  faultOf,
} from './asking.ts'
import type { SignedCommit } from '../format/commit.ts'
import { PendingWrites } from './pending-writes.ts'
import { sameHash } from '../format/set-hash.ts'
import type { Answer, OpsPage } from './space-api.ts'

type Held = NonNullable<Asking['held']>

/** Names of a repo that is not served; every other refusal of a log means that it does not reach
 *  back to what is held. */
const NOT_SERVED = new Set([
  'SpaceNotFound',
  'RepoNotFound',
  'RepoTakendown',
  'RepoSuspended',
  'RepoDeactivated',
])

/** Takes in what the log says; undefined when that cannot be, and the whole repo is needed. */
export async function readLog(
  asking: Asking,
  held: Held,
  ports: RepoSyncPorts,
): Promise<RepoOutcome | undefined> {
  const pending = new PendingWrites(held, ports.limits)
  for (let cursor: string | undefined; ;) {
    const page = await askForOps(asking, { since: held.rev, cursor }, ports)
    if (page === undefined) return undefined
    if (!page.ok) return NOT_SERVED.has(page.name) ? failed(page.name, asking.who.pds) : undefined
    for (const op of page.ops) if (!pending.take(op, held.rev)) return undefined
    // A page that brings nothing and promises more would be asked for without end.
    const { commit } = page
    if (page.cursor === undefined)
      return commit && (await takeOps(asking, { held, pending, commit }, ports))
    if (page.cursor === cursor || page.ops.length === 0) return undefined
    cursor = page.cursor
  }
}

/** A page of the log; undefined for one that is too large, as the CAR takes that in pieces. */
async function askForOps(
  asking: Asking,
  { since, cursor }: { since: string; cursor: string | undefined },
  ports: RepoSyncPorts,
): Promise<Answer<OpsPage> | undefined> {
  const { did: repo } = asking
  const from = { repo, since, ...(cursor !== undefined && { cursor }) }
  try {
    return await ask(asking, ports, (asked) => ports.api.repoOps(asked, from))
  } catch (error) {
    if (error instanceof OutboundError && error.reason === 'TooLarge') return undefined
    throw error
  }
}

async function takeOps(
  asking: Asking,
  log: { held: Held; pending: PendingWrites; commit: SignedCommit },
  { sink, timers, limits }: RepoSyncPorts,
): Promise<RepoOutcome | undefined> {
  const { pending, commit } = log
  const fault = faultOf(commit, asking, { now: timers.now(), revAhead: limits.revAhead })
  if (fault !== undefined) return failed(fault, `the commit of ${commit.rev}`)
  const writes = pending.writes()
  if (pending.rev > commit.rev || writes === undefined) return undefined
  if (!sameHash(pending.hash.digest(), commit.hash)) return undefined
  const { space, did, signal } = asking
  const { rev } = commit
  if (writes.length === 0 && rev === log.held.rev) return { ok: true, rev }
  signal.throwIfAborted()
  await sink.apply({ space, did, rev, setHash: pending.hash.state(), writes })
  return { ok: true, rev }
}
