/** How long the entries of a channel stay, in days, as its record says it. */
export type Retention = {
  readonly archiveAfter?: number
  readonly deleteAfter?: number
  readonly retentionPeriod?: number
}

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

/** Which entries are to be archived and which deleted by now (D-25). A legal hold keeps everything
 *  from being deleted; what is held is still put away, for that it stays readable. An entry is
 *  deleted after `deleteAfter`, or `retentionPeriod` where the channel itself sets only that one;
 *  what is deleted need not be archived before. */
export function dueEntries(
  channel: { readonly retention: Retention; readonly legalHold: boolean },
  entries: readonly Aging[],
  now: Date,
): { readonly archive: readonly string[]; readonly delete: readonly string[] } {
  const { retention, legalHold } = channel
  const archiveAfter = retention.archiveAfter ?? RETENTION_DEFAULTS.archiveAfter
  const deleteAfter = legalHold ? undefined : (retention.deleteAfter ?? retention.retentionPeriod)
  const isPast = ({ sentAt }: Aging, days: number | undefined) =>
    days !== undefined && now.getTime() - sentAt.getTime() >= days * DAY_MS
  const gone = new Set(entries.filter((entry) => isPast(entry, deleteAfter)))
  const old = entries.filter((entry) => !entry.archived && isPast(entry, archiveAfter))
  return {
    archive: old.filter((entry) => !gone.has(entry)).map(({ uri }) => uri),
    delete: [...gone].map(({ uri }) => uri),
  }
}
