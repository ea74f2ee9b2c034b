import type { FirehoseEvent, RecordWrite } from './event.ts'
import type { AccountStatus, Standing } from './standing.ts'

/** Events of one host in its order. `cursor` covers everything up to and including the batch, also
 *  events out of scope; without one only the events are applied. */
export type Batch = {
  readonly host: string
  readonly events: readonly FirehoseEvent[]
  readonly cursor?: number
}

/** What a batch did, told after it was committed. */
export type Applied = {
  /** the newest revision held now, of every account a commit of which was seen */
  readonly revs: ReadonlyMap<string, string>
  readonly outcomes: Readonly<Record<string, number>>
  /** events of repos that are being fetched; they belong into `resyncDone` */
  readonly queued: readonly FirehoseEvent[]
  /** accounts whose repo has to be fetched from now on */
  readonly desynchronized: readonly string[]
  /** accounts that records taken in by this batch name, such as members; known ones included */
  readonly named: readonly string[]
}

/** A repo whose turn it is to be fetched; it is `in-progress` now. */
export type Claim = { readonly did: string; readonly attempts: number; readonly pds: string | null }

/** A repo as `com.atproto.sync.listRepos` tells it. */
export type ListedRepo = {
  readonly did: string
  readonly rev: string
  readonly active: boolean
  readonly status?: string
}

/** How far the accounts of a host have been listed; `cursor` is the host's own. */
export type Listing = { readonly cursor: string | null; readonly done: boolean }

/** A host that is listened to, or that must not be. */
export type HostRow = {
  /** its origin, or another name for the own PDS */
  readonly host: string
  readonly kind: 'pds' | 'relay'
  /** who named it: the configuration, an account followed, a relay's list, an administrator */
  readonly namedBy: 'config' | 'account' | 'relay' | 'admin'
  /** all accounts of it are in scope, not only those followed */
  readonly whole: boolean
  /** why it is not listened to any more; null while it is */
  readonly banned: string | null
  readonly listing: Listing
}

/** Where the state of all repos and hosts is kept: Postgres in the node, memory in simulations.
 *  Each call is one transaction. All throw only when the storage itself fails; then nothing of the
 *  call has happened, or all of it and calling it again changes nothing. */
export type SyncStore = {
  /** Takes in events as `planBatch` decides, with the host's cursor. */
  apply(batch: Batch): Promise<Applied>
  /** Where a host's stream was last read up to; undefined for one never read. */
  cursorOf(host: string): Promise<number | undefined>
  /** Forgets where a host's stream was read up to, when the host counts anew. */
  resetCursor(host: string): Promise<void>
  /** What is known of these accounts; those never heard of are left out. */
  standings(dids: readonly string[]): Promise<ReadonlyMap<string, Standing>>
  /** Accounts last known to live at a PDS, ascending by DID after `after`, without deleted ones. */
  accountsAt(pds: string, after: string, limit: number): Promise<Standing[]>

  /** Makes up to `limit` desynchronized repos of active accounts, whose time to be tried has come,
   *  in-progress; those waiting longest first, none that live at one of `exceptPds`, and none of
   *  `exceptDids`. */
  claim(options: {
    limit: number
    now: Date
    exceptPds?: readonly string[]
    exceptDids?: readonly string[]
  }): Promise<Claim[]>
  /** What is held of a repo, ascending by path (`collection/rkey`, code units), after `after`. */
  held(did: string, after: string, limit: number): Promise<{ path: string; cid: string }[]>
  /** Takes over a part of a repo that is being fetched, also over what is held of the same
   *  revision, at most one write of a record; answers whom its records name. */
  resyncPage(did: string, rev: string, writes: readonly RecordWrite[]): Promise<readonly string[]>
  /** The repo is synchronized at `rev`; then events queued meanwhile are applied. */
  resyncDone(
    did: string,
    end: {
      rev: string
      data: string
      pds: string
      upstream: AccountStatus
      queued: readonly FirehoseEvent[]
    },
  ): Promise<Applied>
  /** The repo stays desynchronized and is not claimed before `retryAt`. With `upstream` its PDS has
   *  told that the account is not active, and until it is again the repo is not claimed at all. */
  resyncFailed(
    did: string,
    failure: { reason: string; retryAt: Date; upstream?: AccountStatus },
  ): Promise<void>
  /** Gives a claim back that was not begun: the repo is to be fetched from this PDS at once. */
  unclaim(did: string, pds: string | null): Promise<void>
  /** Makes repos desynchronized, whatever they were, unless they are deleted or unknown. */
  desynchronize(dids: readonly string[], reason: string): Promise<void>
  /** What is in-progress becomes desynchronized, but for the repos that are really being fetched:
   *  after a start there are none. */
  recover(fetching?: readonly string[]): Promise<void>

  /** Brings accounts into scope: they are listened to from now on, and fetched when unknown. */
  follow(account: { did: string; pds: string; handle?: string }): Promise<void>
  /** The accounts in scope beside those of whole hosts. */
  followed(): Promise<{ did: string; pds: string }[]>
  /** Accounts that records shown now name and of which nothing is known, ascending by DID after
   *  `after`: naming is told only once, and what was to follow upon it may have been cut short. */
  strangers(after: string, limit: number): Promise<readonly string[]>
  /** Notes which repos a host lists, with the progress of the listing. An account not held becomes
   *  desynchronized; so does one that is listed as active where it was not. Revisions of accounts
   *  held are compared by the caller. */
  noteRepos(host: string, repos: readonly ListedRepo[], listing: Listing): Promise<void>
  hosts(): Promise<HostRow[]>
  /** Adds a host, or changes it; its cursor stays. */
  saveHost(row: HostRow): Promise<void>
}
