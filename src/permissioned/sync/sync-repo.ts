import { IdentityUnavailable } from '../../identity/fetch-document.ts'
import type { Identity } from '../../identity/identity.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { unlessAborted } from '../../pacing/unless-aborted.ts'
import { type RepoOutcome, type RepoSync, type RepoSyncPorts, failed } from './asking.ts'
import { CredentialUnavailable } from './credential-unavailable.ts'
import { readLog } from './read-log.ts'
import { takeWhole } from './take-whole.ts'

/** What may be so only because the account has a new key or has moved. */
const DOUBTFUL = new Set(['BadSignature', 'RepoNotFound', 'RepoDeactivated', 'SpaceNotFound'])

/**
 * Brings what is held of one repo up to what its host has, and believes nothing of it but what the
 * author's commit says. A repo that its host does not know is forgotten: what is shown of a space
 * is what its members have there now. Throws when storage is away, access is lost, or on abort.
 */
export async function syncRepo(repo: RepoSync, ports: RepoSyncPorts): Promise<RepoOutcome> {
  try {
    const who = await identify(repo, ports)
    const first = await attempt(repo, who, ports)
    const outcome =
      first.ok || !DOUBTFUL.has(first.reason) ? first : await again(repo, first, ports)
    if (outcome.ok || outcome.reason !== 'RepoNotFound') return outcome
    repo.signal.throwIfAborted()
    await ports.sink.forget(repo.space, repo.did)
    return { ok: true, rev: undefined }
  } catch (error) {
    if (error instanceof OutboundError) {
      const answered = error.reason !== 'Unreachable'
      return { ok: false, reason: error.reason, detail: error.message, answered }
    }
    // Neither says anything of the repo's host.
    const elsewhere = error instanceof IdentityUnavailable || error instanceof CredentialUnavailable
    if (!elsewhere) throw error
    return { ok: false, reason: error.name, detail: error.message }
  }
}

function identify(
  { did, signal }: RepoSync,
  { resolver }: RepoSyncPorts,
  refresh = false,
): Promise<Identity | undefined> {
  return unlessAborted(resolver.resolve(did, { refresh }), signal)
}

/** Looks once more, at what the identity is now. */
async function again(
  repo: RepoSync,
  first: RepoOutcome,
  ports: RepoSyncPorts,
): Promise<RepoOutcome> {
  const before = await identify(repo, ports)
  const now = await identify(repo, ports, true)
  const same = before?.pds === now?.pds && before?.signingKey === now?.signingKey
  return same ? first : attempt(repo, now, ports)
}

async function attempt(
  repo: RepoSync,
  who: Identity | undefined,
  ports: RepoSyncPorts,
): Promise<RepoOutcome> {
  const { space, did } = repo
  if (who === undefined) return failed('NoIdentity', 'it has no document with a key and a PDS')
  if (!repo.arrive(who.pds)) return failed('Elsewhere', who.pds)
  const held = await ports.sink.stateOf(space, did)
  const asking = { ...repo, who, held }
  const byLog = held === undefined || repo.whole ? undefined : await readLog(asking, held, ports)
  return byLog ?? takeWhole(asking, ports)
}
