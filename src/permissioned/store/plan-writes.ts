import { InvalidRequestError } from '@atproto/xrpc-server'
import { laterTid } from '../../tid.ts'
import type { PreparedWrite } from './prepare-write.ts'
import { SetHash } from '../format/set-hash.ts'

/** Where a repo stands. Of a deleted one nothing but its rev is left, and it has no source. */
export type RepoState = { rev: string; setHash: SetHash; source: RepoSource | null }
/** `signed` repos are hosted here and served. `local` ones keep records of members whose own host
 *  has no spaces, and are never shown to others. */
export type RepoSource = 'signed' | 'local'

/** One call's writes, waiting for their repo. */
export type WriteCall = {
  writes: readonly PreparedWrite[]
  swapRev: string | undefined
  source: RepoSource
  evidence: object | undefined
}

/** A change of one record. `prev` is the CID that was there, null for none. */
export type Change = PreparedWrite & { prev: string | null; rev: string; evidence?: object }

/** What came of a call: the repo after it, and the CIDs in the order of the writes. */
export type CallOutcome =
  | { rev: string; hash: Uint8Array; cids: (string | null)[]; changes: Change[] }
  | { error: Error }

/** Calls of one repo carried out one after the other, each with a rev of its own. */
export type RepoPlan = {
  known: string | null
  source: RepoSource
  rev: string
  setHash: SetHash
  changes: Change[]
  outcomes: CallOutcome[]
}

/**
 * Carries calls out in memory, over the repo's state (undefined for none yet) and the CIDs found at
 * paths. A call that cannot be carried out gets its error and changes nothing; others go on.
 */
export function planWrites(options: {
  state: RepoState | undefined
  held: ReadonlyMap<string, string>
  calls: readonly WriteCall[]
  nextTid: () => string
}): RepoPlan {
  const { state, calls } = options
  const held = new Map(options.held)
  const source = state?.source ?? calls[0]?.source ?? 'signed'
  const setHash = new SetHash(state?.setHash.state())
  const changes: Change[] = []
  let rev = state?.rev ?? ''
  const outcomes = calls.map((call): CallOutcome => {
    if (call.source !== source) return { error: foreignSource(source) }
    const next = laterOf(options.nextTid(), rev)
    const done = carryOut(call, held, { rev, next })
    if ('error' in done) return done
    for (const change of done.changes) {
      if (change.prev !== null) setHash.remove(change.path, change.prev)
      if (change.cid !== null) setHash.add(change.path, change.cid)
      if (change.cid === null) held.delete(change.path)
      else held.set(change.path, change.cid)
    }
    if (done.changes.length > 0) rev = next
    changes.push(...done.changes)
    return { ...done, rev, hash: setHash.digest() }
  })
  return { known: state?.rev ?? null, source, rev, setHash, changes, outcomes }
}

function carryOut(
  call: WriteCall,
  held: ReadonlyMap<string, string>,
  revs: { rev: string; next: string },
): { cids: (string | null)[]; changes: Change[] } | { error: Error } {
  if (call.swapRev !== undefined && call.swapRev !== revs.rev) {
    return { error: refused('InvalidSwap', `The repo was at ${revs.rev || 'no rev'}`) }
  }
  const own = new Map<string, string | null>()
  const changes: Change[] = []
  for (const write of call.writes) {
    const mine = own.get(write.path)
    const prev = mine === undefined ? (held.get(write.path) ?? null) : mine
    const error = faultOf(write, prev)
    if (error) return { error }
    if (write.cid === prev) continue
    own.set(write.path, write.cid)
    const { evidence } = call
    changes.push({ ...write, prev, rev: revs.next, ...(evidence && { evidence }) })
  }
  return { cids: call.writes.map(({ cid }) => cid), changes }
}

function faultOf(write: PreparedWrite, prev: string | null): Error | undefined {
  const { action, path, swapRecord } = write
  if (swapRecord !== undefined && swapRecord !== prev) {
    return refused('InvalidSwap', `Record was at ${prev ?? 'no CID'}`)
  }
  if (action === 'create' && prev !== null) {
    return refused('RecordAlreadyExists', `There is a record at ${path}`)
  }
  if ((action === 'update' || action === 'delete') && prev === null) {
    return refused('RecordNotFound', `There is no record at ${path}`)
  }
  return undefined
}

function laterOf(tid: string, rev: string): string {
  return tid > rev ? tid : laterTid(rev)
}

function foreignSource(source: RepoSource): Error {
  const held = source === 'local' ? 'kept for a repo elsewhere' : 'of a repo hosted here'
  return refused('InvalidRequest', `The records of this author in this space are ${held}`)
}

function refused(name: string, message: string): Error {
  return new InvalidRequestError(message, name)
}
