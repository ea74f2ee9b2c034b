import { refused, unauthorized } from './answers.ts'
import type { CredentialCaller } from './credential-caller.ts'
import type { HostedSpaces } from './hosted-spaces.ts'
import type { Space } from './mount.ts'
import type { OwnCaller } from './own-caller.ts'
import type { Accounts } from './ports.ts'

/** Who may ask for what is in a repo: its account, or whoever holds a credential of the space. */
export type Reader = OwnCaller | CredentialCaller

/**
 * Lets the reader go on to a repo in a space, or throws: `RepoNotFound` for an account that asks
 * for another's, 401 for a credential of another space or with another audience, `SpaceNotFound`
 * for a space hosted here that is deleted, and what the account's status calls for.
 */
export async function mayReadRepo(
  parts: { accounts: Accounts; spaces: HostedSpaces },
  reader: Reader,
  { space, repo }: { space: Space; repo: string },
): Promise<void> {
  if (reader.kind === 'own') {
    if (reader.did !== repo) throw refused('RepoNotFound')
    await reader.may('read', space)
  } else {
    if (reader.space !== space.uri) throw unauthorized('CredentialForAnotherSpace')
    if (reader.audience !== repo) throw unauthorized('BadSpaceAudience')
  }
  const status = await parts.accounts.status(repo)
  if (status === undefined) throw refused('RepoNotFound')
  if (status === 'takendown') throw refused('RepoTakendown')
  if (status === 'suspended') throw refused('RepoSuspended')
  if (status === 'deactivated') throw refused('RepoDeactivated')
  const hosted = await parts.spaces.find(space)
  if (hosted && hosted.deletedAt !== null) throw refused('SpaceNotFound')
}

/** Lets the reader go on to what the host of a space knows of it, for which the credential is to be
 *  addressed to the authority itself. */
export function mayAskHost(reader: CredentialCaller, space: Space): void {
  if (reader.space !== space.uri) throw unauthorized('CredentialForAnotherSpace')
  if (reader.audience !== space.authority) throw unauthorized('BadSpaceAudience')
}
