import { setTimeout as sleep } from 'node:timers/promises'
import { between } from '../fast/random.ts'
import { CallError } from '../person.ts'

/** What a record says, as text; null when there is none. */
export type Content = string | null

/** What may be expected of one record. One content is allowed once its write was acknowledged,
 *  several while nobody knows whether a write without an answer was done. */
export type Note = {
  readonly uri: string
  readonly kind: 'message' | 'reaction'
  allowed: ReadonlySet<Content>
  cid?: string
}

/** A space asked for under one key: the DIDs that were answered, and whether any was. */
export type Founded = {
  readonly founder: string
  readonly key: string
  readonly name: string
  readonly dids: Set<string>
}

/** Everything the writers know about what they did. */
export type Notes = {
  readonly records: Map<string, Note>
  readonly spaces: Founded[]
  acknowledged: number
  unanswered: number
  slowestMs: number
}

/** Nothing noted yet. */
export function newNotes(): Notes {
  return { records: new Map(), spaces: [], acknowledged: 0, unanswered: 0, slowestMs: 0 }
}

/** How a call may fail while the node or its database is away. */
export function isOutage(error: unknown): boolean {
  if (error instanceof CallError) return error.status >= 500
  // A connection that was refused or cut; `fetch` says no more than this.
  return error instanceof TypeError || error instanceof SyntaxError
}

/** Longest time an answer may take, outage or not. */
const ANSWER_MAX_MS = 20_000

/** Calls until it is answered, or leaves it open after a call without an answer. Anything else
 *  than an outage, and a call that hangs, is thrown. */
export async function insist<T>(
  notes: Notes,
  random: () => number,
  call: (attempt: number) => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; ; attempt++) {
    const begun = performance.now()
    try {
      const answer = await within(call(attempt))
      notes.acknowledged++
      return answer
    } catch (error) {
      if (!isOutage(error)) throw error
      notes.unanswered++
      if (random() < GIVE_UP) return undefined
    } finally {
      notes.slowestMs = Math.max(notes.slowestMs, performance.now() - begun)
    }
    await sleep(between(random, 20, 250))
  }
}

const GIVE_UP = 0.25

async function within<T>(call: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const hung = sleep(ANSWER_MAX_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`a call was not answered within ${ANSWER_MAX_MS} ms`)
  })
  hung.catch(() => undefined)
  try {
    return await Promise.race([call, hung])
  } finally {
    timer.abort()
  }
}
