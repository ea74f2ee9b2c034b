/** A space of which a copy is kept. */
export type FollowedSpace = {
  readonly space: string
  /** accounts hosted here that were given access to it, in order of DIDs */
  readonly readers: readonly string[]
  /** `forgetting`: the copy is being removed; `stopped`: there is none, and access is asked for
   *  again at `nextSweepAt` */
  readonly state: 'following' | 'forgetting' | 'stopped'
  /** why it is not followed */
  readonly reason: string | null
  /** every change of a repo up to this space revision is held, or its repo due */
  readonly checkpoint: string | null
  /** until when the authority tells of writes */
  readonly registeredUntil: Date | null
  /** when all repos are asked for again, not only those after the checkpoint */
  readonly nextSweepAt: Date
}

/** A repo that is perhaps not held as its host has it. */
export type DueRepo = {
  readonly space: string
  readonly did: string
  /** counts how often it was said to have changed */
  readonly mark: number
  /** a part of it was taken in without the rest: only the whole repo shows what is held wrongly */
  readonly whole: boolean
  readonly attempts: number
  /** origin of the host it was last looked for at */
  readonly host: string | null
}

/** How a space's checkpoint moves: not at all when it is no longer at `from`. */
export type Move = { readonly from: string | null; readonly to: string }

/** Where is kept which spaces are followed and how far. Each call is one transaction. All throw
 *  only when the storage itself fails; calling again what has happened changes nothing. */
export type FollowStore = {
  /** Spaces ascending by URI after `after`. */
  spaces(after: string, limit: number): Promise<FollowedSpace[]>
  spaceOf(space: string): Promise<FollowedSpace | undefined>
  /** Adds the space if it is not known, and the reader if there is one. What is stopped is asked
   *  for again from `now` on. */
  follow(space: string, reader: string | null, now: Date): Promise<void>
  /** Takes a reader away. */
  unfollow(space: string, reader: string): Promise<void>
  /** While the space is followed, makes repos due and moves the checkpoint; answers whether it is
   *  followed. A repo that was due already keeps its waiting time. */
  note(space: string, told: { dids: readonly string[]; move?: Move; now: Date }): Promise<boolean>
  /** Notes how long the authority tells of writes. */
  registered(space: string, until: Date): Promise<void>
  /** All repos were made due; the next time is `next`. */
  swept(space: string, next: Date): Promise<void>
  /** A stopped space is followed from its beginning. */
  resume(space: string): Promise<void>
  /** The copy is to be removed: no repo is due any more, and nothing of the space is held as far as
   *  the checkpoint says. */
  stop(space: string, reason: string, askAgainAt: Date): Promise<void>
  /** The copy is removed. The space is stopped, or unknown when it has no reader. */
  forgotten(space: string): Promise<void>

  /** Repos whose time to be fetched has come, those waiting longest first. */
  due(wanted: {
    now: Date
    limit: number
    exceptHosts: readonly string[]
    except: readonly { space: string; did: string }[]
  }): Promise<DueRepo[]>
  dueOf(space: string, did: string): Promise<DueRepo | undefined>
  /** From now on only the whole repo will do. */
  beginWhole(due: DueRepo): Promise<void>
  /** The repo is held as its host had it; it stays due when it has changed since. */
  done(due: DueRepo): Promise<void>
  /** It could not be fetched, or was not begun. */
  later(
    due: DueRepo,
    how: { retryAt: Date; attempts: number; host: string | null; reason: string },
  ): Promise<void>
}
