/** Whether what is held of a repo can be built upon (https://atproto.com/specs/sync): while it is
 *  `desynchronized` its events are dropped, while it is fetched (`in-progress`) they are queued. */
export type RepoState = 'desynchronized' | 'in-progress' | 'synchronized'

/** Hosting status of an account (https://atproto.com/specs/account): `active`, `deactivated`,
 *  `suspended`, `takendown`, `deleted`; a name not known here hides the account as well. */
export type AccountStatus = string

/** What is known of one account and its repo. */
export type Standing = {
  readonly did: string
  readonly state: RepoState
  /** why it is not synchronized, a word for people; null while it is. `NEW` means more. */
  readonly reason: string | null
  /** the last revision applied; null before the first */
  readonly rev: string | null
  /** CID of the tree's root at `rev` */
  readonly data: string | null
  /** as the account's host tells it */
  readonly upstream: AccountStatus
  /** as this node has decided; null when it has not */
  readonly own: AccountStatus | null
  /** origin of the PDS where the account was last known to live */
  readonly pds: string | null
  /** the newest revision handed out to be queued since the repo was last claimed; null for none */
  readonly handedOut: string | null
}

/** Why a repo is desynchronized of which neither a commit nor a loss was seen: its first commit, if
 *  it comes, is all there is. */
export const NEW = 'New'

/** An account nothing is known of: its first commit can be applied. */
export function unknownStanding(did: string): Standing {
  const nothing = { reason: null, rev: null, data: null, own: null, pds: null, handedOut: null }
  return { did, state: 'synchronized', upstream: 'active', ...nothing }
}

/** Whether records of the account may be shown: the worse of both statuses counts. */
export function isActive(s: Pick<Standing, 'upstream' | 'own'>): boolean {
  return s.upstream === 'active' && s.own === null
}

/** Hidden like any status that is not active, but its repo is fetched: the account's own PDS has
 *  yet to say what it is, because it has moved or somebody else has said that it is back. */
export const UNCONFIRMED = 'unconfirmed'

/** What the answers of a PDS that keeps a repo back say of its account, by the reason that then
 *  stands with the repo. One that was deleted says so in its status; a repo that is only not there
 *  may be there again. */
export const KEPT_BACK: Readonly<Record<string, AccountStatus>> = {
  RepoNotFound: 'deactivated',
  RepoDeactivated: 'deactivated',
  RepoSuspended: 'suspended',
  RepoTakendown: 'takendown',
}

/** Whether the account is away only because its PDS has kept its repo back. That the same PDS calls
 *  it active when it is asked is no news then, and must not hurry the next attempt. */
export function isKeptBack({ state, reason, upstream }: Standing): boolean {
  return state === 'desynchronized' && reason !== null && KEPT_BACK[reason] === upstream
}

/** Whether the repo of the account may be asked for. */
export function isFetchable(s: Pick<Standing, 'upstream' | 'own'>): boolean {
  return isActive(s) || (s.upstream === UNCONFIRMED && s.own === null)
}
