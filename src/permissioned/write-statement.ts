import type { Sql } from '../database/sql.ts'
import type { Change, RepoPlan } from './plan-writes.ts'

/** A plan and the repo it is of. */
export type PlannedRepo = { space: string; did: string; plan: RepoPlan }

/** How long it is tried to tell others of a change. */
export const TELL_FOR_MS = 24 * 3_600_000

/**
 * Stores plans in one statement, which alone is one transaction: records, log, set hash and rev,
 * what the views and the space's host are to be told. A repo whose rev is no longer the one that
 * was planned upon, or that holds what was believed absent, stays as it is. Answers which of the
 * plans were stored, by their place.
 */
export async function storePlans(
  sql: Sql,
  repos: readonly PlannedRepo[],
  now: Date,
): Promise<Set<number>> {
  const until = new Date(now.getTime() + TELL_FOR_MS)
  const values = [...repoColumns(repos), ...changeColumns(repos), now, until]
  const { rows } = await sql.query<{ done: number[] }>({ name: 'repo-write', text: WRITE }, values)
  return new Set(rows[0]?.done.map((n) => n - 1))
}

function repoColumns(repos: readonly PlannedRepo[]): unknown[][] {
  let end = 0
  return [
    repos.map(({ space }) => space),
    repos.map(({ did }) => did),
    repos.map(({ plan }) => plan.known),
    repos.map(({ plan }) => plan.rev),
    repos.map(({ plan }) => bufferOf(plan.setHash.state())),
    repos.map(({ plan }) => bufferOf(plan.setHash.digest())),
    repos.map(({ plan }) => plan.source),
    repos.map(({ plan }) => (end += plan.changes.length)),
  ]
}

function changeColumns(repos: readonly PlannedRepo[]): unknown[][] {
  const rows = repos.flatMap(({ plan }) => {
    const last = new Map(plan.changes.map((change) => [change.path, change]))
    const seen = new Set<string>()
    return plan.changes.map((change) => {
      const fresh = change.prev === null && !seen.has(change.path)
      seen.add(change.path)
      return columnsOf(change, last.get(change.path) === change, fresh)
    })
  })
  return Array.from({ length: CHANGE_COLUMNS }, (_, i) => rows.map((row) => row[i]))
}

const CHANGE_COLUMNS = 10

/** Only the last change of a path is `kept`. Only the first can be of a `fresh` one. */
function columnsOf(change: Change, kept: boolean, fresh: boolean): unknown[] {
  const { rev, collection, rkey, cid, prev, bytes, evidence, blobs } = change
  const links = blobs.map((blob) => blob.cid).join(' ')
  return [
    rev,
    collection,
    rkey,
    cid,
    prev,
    kept && bytes !== null ? bufferOf(bytes) : null,
    evidence === undefined ? null : JSON.stringify(evidence),
    kept,
    fresh,
    links === '' ? null : links,
  ]
}

const bufferOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const WRITE = `select repo.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
  $16, $17, $18, $19, $20) as done`
