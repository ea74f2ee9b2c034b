import type { LexMap } from '@atproto/lex'
import { co } from '../../src/lexicons/index.ts'
import type { SpaceWrite } from '../../src/permissioned/store/prepare-write.ts'
import type { SpaceBatch } from '../../src/permissioned/store/store.ts'
import { between } from '../fast/random.ts'
import { writeOf } from '../record.ts'
import { CLUB, REPOS, type RepoOf, ROLES, STAFF } from './cast.ts'

/** An operation as the log of a repo has it. */
export type Op = {
  readonly path: string
  readonly cid: string | null
  readonly prev: string | null
}

/** What a repo must hold, by all that was acknowledged. */
export type Expected = RepoOf & {
  readonly records: Map<string, string>
  readonly ops: Op[]
  rev: string
}

/** A batch, with what the log of its repo is to have of it. */
export type Planned = { readonly repo: Expected; readonly batch: SpaceBatch; readonly ops: Op[] }

const MESSAGE = co.kendev.spaces.message.$type
const MEMBERSHIP = co.kendev.spaces.membership.$type
const CREATED = '2026-11-23T12:00:00Z'
const KEYS = 14

/** Repos with nothing in them. */
export function expectNothing(): Expected[] {
  return REPOS.map((repo) => ({ ...repo, records: new Map(), ops: [], rev: '' }))
}

/** Counts all texts, so that no two records are the same. */
let texts = 0

/** A few messages written, changed and deleted in one batch. */
export async function drawBatch(random: () => number, repo: Expected): Promise<Planned> {
  const keys = new Set(
    Array.from({ length: between(random, 1, 5) }, () => between(random, 0, KEYS - 1)),
  )
  const wished = [...keys].map((n) => ({ rkey: keyOf(repo, n), deletes: random() < 0.3 }))
  const parts = wished.flatMap(({ rkey, deletes }) => {
    const isThere = repo.records.has(`${MESSAGE}/${rkey}`)
    if (deletes && !isThere) return []
    const text = `Words ${(texts += 1)}`
    return [{ collection: MESSAGE, rkey, value: deletes ? undefined : messageOf(text) }]
  })
  return planOf(repo, parts)
}

/** Who is admitted, in the authority's own repo. */
export function admissions(repos: readonly Expected[]): Promise<Planned> {
  const repo = repos.find(({ did, space }) => did === CLUB && space !== STAFF)!
  const parts = Object.entries(ROLES).map(([subject, role]) => ({
    collection: MEMBERSHIP,
    rkey: subject,
    value: { $type: MEMBERSHIP, subject, role, joinedAt: CREATED },
  }))
  return planOf(repo, parts)
}

type Part = { collection: string; rkey: string; value: LexMap | undefined }

async function planOf(repo: Expected, parts: readonly Part[]): Promise<Planned> {
  const { space, did } = repo
  const [writes, ops]: [SpaceWrite[], Op[]] = [[], []]
  for (const { collection, rkey, value: record } of parts) {
    const path = `${collection}/${rkey}`
    const made = record && (await writeOf({ collection, did, rkey, rev: '', record }))
    ops.push({ path, cid: made?.cid ?? null, prev: repo.records.get(path) ?? null })
    if (record) writes.push({ action: 'put', collection, rkey, record })
    else writes.push({ action: 'delete', collection, rkey })
  }
  return { repo, batch: { space, did, writes }, ops }
}

/** Takes in that a batch is stored. */
export function acknowledge({ repo, ops }: Planned, rev: string): void {
  if (rev <= repo.rev) throw new Error(`${rev} does not follow on ${repo.rev}`)
  repo.rev = rev
  for (const op of ops) {
    repo.ops.push(op)
    if (op.cid === null) repo.records.delete(op.path)
    else repo.records.set(op.path, op.cid)
  }
}

/** No two repos have a key in common. */
function keyOf(repo: Expected, n: number): string {
  const which = REPOS.findIndex(({ did, space }) => did === repo.did && space === repo.space)
  const letters = [which, Math.floor(n / 8), n % 8].map((digit) => 'abcdefgh'[digit]).join('')
  return `3m6bkl2222${letters}`
}

function messageOf(text: string): LexMap {
  return { $type: MESSAGE, space: CLUB, text, createdAt: CREATED }
}
