/** What the views take in of permissioned repos; the local tail and the syncer feed the same. */
export type SpaceSink = {
  /** How far the views hold a repo; undefined when they hold nothing of it. The state of the set
   *  hash has 2048 bytes. */
  stateOf(space: string, did: string): Promise<{ rev: string; setHash: Uint8Array } | undefined>
  /** Paths and CIDs held of a repo, ascending by path (code units). */
  held(
    space: string,
    did: string,
    after: string,
    limit: number,
  ): Promise<{ path: string; cid: string }[]>
  /** Takes a part of a repo that is fetched whole; the state does not move. */
  page(part: SpacePart): Promise<void>
  /** Takes writes and moves the state, in one transaction; an older rev changes nothing. */
  apply(batch: SpacePart & { setHash: Uint8Array }): Promise<void>
  /** Forgets a repo, or a whole space with all that came of it. */
  forget(space: string, did?: string): Promise<void>
}

/** Writes of one repo, and the rev that it has with them. */
export type SpacePart = {
  space: string
  did: string
  rev: string
  writes: readonly SpaceRecordWrite[]
}

/** A record as it is now, or its absence (null). */
export type SpaceRecordWrite = {
  collection: string
  rkey: string
  rev: string
  cid: string | null
  bytes: Uint8Array | null
}
