/** How long the entries of a channel stay, in days, as its record says it. */
export type Retention = {
  readonly archiveAfter?: number
  readonly deleteAfter?: number
  readonly retentionPeriod?: number
}

/** A channel as far as the age of its entries counts. */
export type Keeping = { readonly retention: Retention; readonly legalHold: boolean }

/** An entry as far as its age and its state count. */
export type Aging = {
  readonly uri: string
  readonly sentAt: Date
  readonly archived: boolean
}

/** What a channel keeps that says nothing itself (`domain.md` N-17): entries are put away after a
 *  quarter, are wanted for a year, and are never deleted by themselves. */
export const RETENTION_DEFAULTS = { archiveAfter: 90, retentionPeriod: 365 } as const

const DAY_MS = 86_400_000

/** The times up to which entries are to be archived, and deleted where they are at all, by now
 *  (D-25). A legal hold keeps everything from being deleted; what is held is still put away, for
 *  that it stays readable. An entry is deleted after `deleteAfter`, or `retentionPeriod` where the
 *  channel itself sets only that one. */
export function dueUpTo(
  { retention, legalHold }: Keeping,
  now: Date,
): { readonly archive: Date; readonly delete?: Date } {
  const before = (days: number) => new Date(now.getTime() - days * DAY_MS)
  const archive = before(retention.archiveAfter ?? RETENTION_DEFAULTS.archiveAfter)
  const deleteAfter = legalHold ? undefined : (retention.deleteAfter ?? retention.retentionPeriod)
  return { archive, ...(deleteAfter !== undefined && { delete: before(deleteAfter) }) }
}

/** Which entries are to be archived and which deleted by now. What is deleted need not be archived
 *  before. */
export function dueEntries(
  channel: Keeping,
  entries: readonly Aging[],
  now: Date,
): { readonly archive: readonly string[]; readonly delete: readonly string[] } {
  const due = dueUpTo(channel, now)
  const isPast = ({ sentAt }: Aging, upTo: Date | undefined) => upTo !== undefined && sentAt <= upTo
  const gone = new Set(entries.filter((entry) => isPast(entry, due.delete)))
  const old = entries.filter((entry) => !entry.archived && isPast(entry, due.archive))
  return {
    archive: old.filter((entry) => !gone.has(entry)).map(({ uri }) => uri),
    delete: [...gone].map(({ uri }) => uri),
  }
}
