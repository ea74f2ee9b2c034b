import { XRPCError } from '@atproto/xrpc-server'
import type { RepoWriter, Written } from './own-record.ts'
import type { Progress } from './progress.ts'

const TRIES_MAX = 20

/** Writes what was decided by what a repo holds, if it holds just that when the write comes: of two
 *  decisions made at once, the second is made again by what the first has left. `decide` finds the
 *  views abreast of the repo, and writes with the head it is handed. Answers once the views have
 *  what was written. */
export async function decide(
  { writer, progress }: { writer: RepoWriter; progress: Progress },
  at: { did: string; place: string },
  work: (swapHead: string) => Promise<Written>,
): Promise<void> {
  const { did, place } = at
  for (let tries = 1; ; tries++) {
    const { rev, swapHead } = await writer.head(at)
    await progress.reached(did, rev, place)
    try {
      const written = await work(swapHead)
      await progress.reached(did, written.rev, place)
      return
    } catch (error) {
      const lost = error instanceof XRPCError && error.customErrorName === 'InvalidSwap'
      if (!lost || tries === TRIES_MAX) throw error
    }
  }
}
