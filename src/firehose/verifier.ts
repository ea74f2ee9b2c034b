import { type AccountKey } from './commit-object.ts'
import { type CommitEvent, type SyncEvent } from './event.ts'
import { type CommitMessage, type SyncMessage } from './message.ts'
import { type Refusal } from './refusal.ts'
import { verifyCommit, verifySync } from './verify.ts'

/** A signed message with what it is checked against: the account's key, and our time. */
export type VerifyJob = { message: CommitMessage | SyncMessage; identity: AccountKey; now: Date }

/** What a message has proved, or the name of what is wrong with it. */
export type Verdict = { ok: true; event: CommitEvent | SyncEvent } | Refusal

/**
 * Verifies signed messages, here or in other threads. `verify` rejects only when something of ours
 * is broken, or after `close`; a verdict that comes late is how it asks the caller to slow down.
 * Jobs are independent: whoever needs an account's in their order awaits one before the next.
 */
export type Verifier = {
  verify(job: VerifyJob): Promise<Verdict>
  /** jobs taken and not yet answered */
  readonly queued: number
  /** Settles when all jobs are answered and the threads are gone. */
  close(): Promise<void>
}

/** The verdict on one job, at once. `prefix` says of which collections the records are wanted, as
 *  the beginning of their NSIDs; the empty one wants all. */
export function verifyHere({ message, identity, now }: VerifyJob, prefix: string): Verdict {
  if (message.kind === 'sync') return verifySync({ message, identity, now })
  const collections = (nsid: string) => nsid.startsWith(prefix)
  return verifyCommit({ message, identity, now, collections })
}

/** A verifier that does each job in this thread the moment it is given. */
export function inlineVerifier({ collections }: { collections: string }): Verifier {
  return {
    verify: async (job) => verifyHere(job, collections),
    queued: 0,
    close: async () => undefined,
  }
}
