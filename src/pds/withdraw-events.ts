import { type PDS } from '@atproto/pds'
import { type DidString } from '@atproto/syntax'
import { type Log } from '../log.ts'

/** More commits than can be under way at once: the last events among which to look. */
const RECENT = 1_000

type Unfinished = { did: DidString; seq: number; rev: string }

/**
 * Takes back events of commits that never were, before the PDS listens. The package writes a
 * commit's event while the commit itself is still open, in another database: a crash in between
 * leaves the event alone, and every reader of the stream would take over records that the repo
 * does not have. The repo's true state is told in its place, for readers who saw the event.
 */
export function withdrawAtStart(pds: PDS, log: Log): void {
  const { sequencer } = pds.ctx
  const start = sequencer.start.bind(sequencer)
  sequencer.start = async () => {
    await start()
    await withdrawUncommitted(pds, log)
  }
}

/** Withdraws them now and answers how many; only while nothing is being written. */
export async function withdrawUncommitted(pds: PDS, log: Log): Promise<number> {
  const { sequencer, actorStore } = pds.ctx
  const unfinished = await findUnfinished(pds)
  for (const { did, seq, rev } of unfinished) {
    const state = await actorStore.read(did, (store) => store.repo.getSyncEventData())
    // In this order, so that a crash in between repeats both.
    await sequencer.sequenceSync(did, state)
    await sequencer.db.db
      .updateTable('repo_seq')
      .set({ invalidated: 1 })
      .where('seq', '=', seq)
      .execute()
    log.warn({ did, seq, rev, repo: state.rev }, 'withdrew the event of an unfinished commit')
  }
  return unfinished.length
}

/** Commits of one repo come one after the other, so only its last event can be such a one. */
async function findUnfinished({ ctx }: PDS): Promise<Unfinished[]> {
  const newest = (await ctx.sequencer.curr()) ?? 0
  const events = await ctx.sequencer.requestSeqRange({ earliestSeq: newest - RECENT })
  const last = new Map<DidString, Unfinished>()
  for (const { type, seq, evt } of events) {
    if (type === 'commit') last.set(evt.repo, { did: evt.repo, seq, rev: evt.rev })
  }
  const unfinished: Unfinished[] = []
  for (const event of last.values()) {
    if (!(await ctx.actorStore.exists(event.did))) continue
    const root = await ctx.actorStore.read(event.did, (store) =>
      store.repo.storage.getRootDetailed(),
    )
    if (event.rev > root.rev) unfinished.push(event)
  }
  return unfinished
}
