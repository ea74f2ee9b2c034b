import type { AccountKey } from './commit-object.ts'
import { decodeFrame } from './frame.ts'
import { type Verdict, type VerifyJob, verifyHere } from './verifier.ts'

/** Jobs on their way to another thread, which gets the frames and decodes them itself. */
export type Batch = {
  id: number
  /** beginning of the NSIDs of collections whose records are wanted */
  prefix: string
  /** the frames, one after the other */
  frames: ArrayBuffer
  /** where in `frames` each one ends */
  ends: number[]
  accounts: AccountKey[]
  /** milliseconds since 1970 */
  nows: number[]
}

/** What became of each job of a batch, in its order; the bytes of records lie in `frames`. */
export type Answers = { id: number; frames: ArrayBuffer; verdicts: (Verdict | Broken)[] }

/** Verifying has thrown, which is a fault of ours and no verdict. */
export type Broken = { ok: 'broken'; error: unknown }

/** Packs jobs for another thread: their frames are copied once, into a buffer to be transferred,
 *  because a frame shares its memory with others from the same socket. */
export function packBatch(id: number, jobs: readonly VerifyJob[], prefix: string): Batch {
  const size = jobs.reduce((sum, { message }) => sum + message.frame.length, 0)
  const bytes = new Uint8Array(size)
  const ends: number[] = []
  let end = 0
  for (const { message } of jobs) {
    bytes.set(message.frame, end)
    end += message.frame.length
    ends.push(end)
  }
  const accounts = jobs.map(({ identity: { did, signingKey } }) => ({ did, signingKey }))
  const nows = jobs.map(({ now }) => now.getTime())
  return { id, prefix, frames: bytes.buffer, ends, accounts, nows }
}

/** Verifies a batch in the thread that has got it. */
export function verifyBatch({ id, frames, ends, ...batch }: Batch): Answers {
  const verdicts = batch.accounts.map((identity, index): Verdict | Broken => {
    try {
      const from = ends[index - 1] ?? 0
      const decoded = decodeFrame(new Uint8Array(frames, from, (ends[index] ?? 0) - from))
      if (decoded.kind === 'refused') return decoded.refusal
      const message = decoded.kind === 'message' ? decoded.message : undefined
      if (message?.kind !== 'commit' && message?.kind !== 'sync') throw new Error('not signed')
      return verifyHere({ message, identity, now: new Date(batch.nows[index] ?? 0) }, batch.prefix)
    } catch (error) {
      return { ok: 'broken', error }
    }
  })
  return { id, frames, verdicts }
}
