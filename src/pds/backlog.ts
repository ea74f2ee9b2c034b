import type { PDS } from '@atproto/pds'

/** The events that a PDS has written after a sequence number, as far as they are still told. */
export type Backlog = {
  /** at most; numbers between that were withdrawn are counted too */
  readonly events: number
  /** when the first of them was written */
  readonly since: Date | undefined
}

/** What a reader who has come to `seq` has yet to read. Throws when the log cannot be read. */
export async function backlogAfter({ ctx }: PDS, seq: number): Promise<Backlog> {
  const told = ctx.sequencer.db.db
    .selectFrom('repo_seq')
    .select(['seq', 'sequencedAt'])
    .where('invalidated', '=', 0)
    .where('seq', '>', seq)
  const [first, last] = await Promise.all([
    told.orderBy('seq', 'asc').limit(1).executeTakeFirst(),
    told.orderBy('seq', 'desc').limit(1).executeTakeFirst(),
  ])
  if (!first || !last) return { events: 0, since: undefined }
  return { events: last.seq - first.seq + 1, since: new Date(first.sequencedAt) }
}
