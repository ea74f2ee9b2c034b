/** Every name under which the firehose refuses data of others. */
export type RefusalReason =
  | 'FrameTooLarge'
  | 'FrameTooDeep'
  | 'BadFrame'
  | 'BadMessage'
  | 'OldSeq'
  | 'TooManyOps'
  | 'TooBig'
  | 'BlocksTooLarge'
  | 'BadCar'
  | 'BadBlockHash'
  | 'MissingCommit'
  | 'BadCommit'
  | 'CommitMismatch'
  | 'WrongDid'
  | 'BadRev'
  | 'FutureRev'
  | 'BadSignature'
  | 'BadTree'
  | 'MissingTreeNode'
  | 'MissingRecord'
  | 'RecordTooLarge'
  | 'RecordTooDeep'
  | 'BadRecord'
  | 'RecordNotInTree'
  | 'DeletedRecordInTree'
  | 'BadInversion'
  | 'NoIdentity'
  | 'NotAuthoritative'
  | 'IdentityUnavailable'
  | 'RepoNotFound'
  | 'RepoTakendown'
  | 'RepoSuspended'
  | 'RepoDeactivated'

/**
 * A named no to data of others; it is stored and counted, never thrown. With `moved` the account
 * has signed the commit all the same, or its host says so: the repo has to be fetched.
 */
export type Refusal = { ok: false; reason: RefusalReason; detail: string; moved?: boolean }

/** Makes a refusal; `detail` is for people and names what was found. */
export function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail }
}

/** Limits of https://atproto.com/specs/sync, in bytes unless said otherwise. */
export const LIMITS = {
  frame: 5_000_000,
  blocks: 2_000_000,
  record: 1_000_000,
  /** operations in one commit */
  ops: 200,
  /** nesting of maps and lists in a record */
  recordDepth: 32,
  /** values in a record: a decoder makes a hundred megabytes of a megabyte of empty lists */
  recordItems: 100_000,
  /** milliseconds that a revision may be ahead of our clock */
  revAhead: 5 * 60_000,
} as const
