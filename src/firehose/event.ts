/** One record that a commit has written or removed, proved in the repo's tree. */
export type RecordWrite = {
  action: 'create' | 'update' | 'delete'
  did: string
  collection: string
  rkey: string
  /** null for a delete */
  cid: string | null
  /** the record's DAG-CBOR block, well formed and at most 32 levels deep; null for a delete */
  bytes: Uint8Array | null
}

/** A commit whose signature, tree and records have been checked. */
export type CommitEvent = {
  kind: 'commit'
  seq: number
  did: string
  rev: string
  since: string | null
  /** CID of the root of the repo's tree after this commit */
  data: string
  /** CID of that root before this commit, as the operations undone have proved; null for a first */
  prevData: string | null
  time: string
  writes: RecordWrite[]
}

/** The repo is now at a signed commit, and how it got there is not told: fetch it anew. */
export type SyncEvent = {
  kind: 'sync'
  seq: number
  did: string
  rev: string
  data: string
  time: string
}

/** The DID document may have changed; `handle` and `pds` are its own words, fetched just now. */
export type IdentityEvent = {
  kind: 'identity'
  seq: number
  did: string
  time: string
  /** claimed by the document, not yet proved to point back */
  handle?: string
  pds?: string
}

/** The hosting status of an account, as the host that may say so has it. */
export type AccountEvent = {
  kind: 'account'
  seq: number
  did: string
  active: boolean
  status?: string
  /** where the account lived when its host was asked: the answer counts if it lives there still */
  lived?: string | null
  time: string
}

/** Something the host sent that is not true or not well formed, with a name for why. */
export type RefusedEvent = {
  kind: 'refused'
  /** of the frame, or of the last readable frame before it when it has none */
  seq: number
  /** empty when the frame names none */
  did: string
  reason: string
  detail: string
  frame: Uint8Array
  time: string
  /** the repo has moved on all the same, as far as can be known: it has to be fetched */
  moved?: boolean
}

/** Events of the account could not be judged and were let go: its repo has to be fetched. */
export type LostEvent = { kind: 'lost'; seq: number; did: string; reason: string; time: string }

export type FirehoseEvent =
  | CommitEvent
  | SyncEvent
  | IdentityEvent
  | AccountEvent
  | RefusedEvent
  | LostEvent
