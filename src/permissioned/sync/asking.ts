import type { Timers } from '../../clock.ts'
import type { Identity } from '../../identity/identity.ts'
import type { IdentityResolver } from '../../identity/resolver.ts'
import { unlessAborted } from '../../pacing/unless-aborted.ts'
import { tidTime } from '../../tid.ts'
import { type SignedCommit, checkCommit } from '../format/commit.ts'
import type { Credentials } from './use-credentials.ts'
import type { SpaceSink } from '../sink.ts'
import type { Answer, Asked, SpaceApi } from './space-api.ts'
import type { SyncLimits } from './sync-limits.ts'

/** What fetching a repo of a space needs. */
export type RepoSyncPorts = {
  sink: SpaceSink
  api: Pick<SpaceApi, 'repoOps' | 'repo'>
  resolver: Pick<IdentityResolver, 'resolve'>
  credentials: Pick<Credentials, 'use'>
  timers: Timers
  limits: SyncLimits
}

/** The repo, and what is to be told of its way. */
export type RepoSync = {
  space: string
  did: string
  /** the log will not do */
  whole: boolean
  signal: AbortSignal
  /** Told where the repo lives before that host is asked; false when it is not to be asked now. */
  arrive(host: string): boolean
  /** Called before anything is taken in that only the rest of the repo makes right. */
  beginWhole(): Promise<void>
}

/** How fetching a repo has ended. `gone`: its host says that there is none. */
export type RepoOutcome =
  | { ok: true; rev: string | undefined }
  | { ok: false; reason: string; detail: string; answered?: boolean }

/** A repo, where it is asked for, and what is held of it. */
export type Asking = RepoSync & {
  who: Identity
  held: { rev: string; setHash: Uint8Array } | undefined
}

/** Why a commit is not to be believed, or not to be followed: one from before what is held is an
 *  old state shown again, one from the future would hide all that comes until then. */
export function faultOf(
  commit: SignedCommit,
  { space, did: author, who, held }: Asking,
  time: { now: Date; revAhead: number },
): string | undefined {
  const fault = checkCommit(commit, { space, author, signingKey: who.signingKey })
  if (fault !== undefined) return fault
  if (tidTime(commit.rev).getTime() > time.now.getTime() + time.revAhead) return 'FutureRev'
  return held !== undefined && commit.rev < held.rev ? 'OlderRev' : undefined
}

/** Asks the repo's own host. What is asked of it ends with the fetching, whether it answers or not;
 *  what is being stored then is waited for, so that nothing is stored afterwards. */
export function ask<T>(
  asking: Asking,
  { credentials }: RepoSyncPorts,
  work: (asked: Asked) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const { space, did: audience, who, signal } = asking
  const question = (headers: Asked['headers']) => work({ service: who.pds, space, headers, signal })
  return unlessAborted(credentials.use({ space, audience }, question), signal)
}

/** An outcome of a host that has answered. */
export function failed(reason: string, detail: string): RepoOutcome {
  return { ok: false, reason, detail, answered: true }
}
