import type { Sql } from '../database/sql.ts'
import { type Op, OPS_MAX, listOps } from './oplog.ts'
import type { RepoAt, RepoHead } from './repo-reads.ts'
import { SetHash, sameHash } from './set-hash.ts'
import type { SpaceRecordWrite, SpaceSink } from './sink.ts'

type Between = { sql: Sql; sink: SpaceSink }

/** Names compared at once, and records read at once, in a repo that is brought whole. */
const NAMES = 500
const RECORDS = 50

/**
 * Brings a repo into the views up to where it stands: by its log from where they hold it, or whole
 * when the log does not reach back so far or leads elsewhere. Answers the rev that they hold then;
 * undefined when the repo is gone, which they have forgotten.
 */
export async function catchUp(between: Between, at: RepoAt): Promise<string | undefined> {
  let compared = false
  for (;;) {
    const held = await between.sink.stateOf(at.space, at.did)
    const since = held?.rev ?? ''
    const page = await listOps(between.sql, { ...at, since, limit: OPS_MAX, local: true })
    if (!page) return forget(between, at, held !== undefined)
    const step = follow(held, page)
    if (step === 'done') return held?.rev
    if (step !== 'whole') {
      await between.sink.apply({ ...at, ...step })
      if (page.head) return step.rev
    } else if (compared) throw new Error('the log of a repo does not lead to its set hash')
    else {
      compared = true
      await bringWhole(between, at, since)
    }
  }
}

type Step = { rev: string; setHash: Uint8Array; writes: SpaceRecordWrite[] }
type Page = NonNullable<Awaited<ReturnType<typeof listOps>>>

/** The next step from what is held along a page of the log. */
function follow(held: RepoHead | undefined, page: Page): Step | 'done' | 'whole' {
  const { ops, head, opsSince } = page
  const since = held?.rev ?? ''
  if (since < opsSince) return 'whole'
  if (head && held && head.rev <= since) {
    return head.rev === since && sameHash(held.setHash, head.setHash) ? 'done' : 'whole'
  }
  // The last rev of a page may go on in the next one.
  const whole = head ? ops : ops.filter(({ rev }) => rev !== ops.at(-1)?.rev)
  const setHash = new SetHash(held?.setHash)
  for (const { collection, rkey, cid, prev } of whole) {
    if (prev !== null) setHash.remove(`${collection}/${rkey}`, prev)
    if (cid !== null) setHash.add(`${collection}/${rkey}`, cid)
  }
  const state = setHash.state()
  if (head && !sameHash(state, head.setHash)) return 'whole'
  const rev = head?.rev ?? whole.at(-1)?.rev
  return rev === undefined ? 'whole' : { rev, setHash: state, writes: latest(whole) }
}

/** The last operation of each path. One whose record has changed again comes with a later page. */
function latest(ops: readonly Op[]): SpaceRecordWrite[] {
  const last = new Map(ops.map((op) => [`${op.collection}/${op.rkey}`, op]))
  return [...last.values()]
    .filter(({ cid, bytes }) => cid === null || bytes !== null)
    .map(({ collection, rkey, rev, cid, bytes }) => ({ collection, rkey, rev, cid, bytes }))
}

/** Unless it was lifted meanwhile: then the views may hold the author's own repo already. */
async function forget(
  { sql, sink }: Between,
  { space, did }: RepoAt,
  held: boolean,
): Promise<undefined> {
  const { rows } = await sql.query('select 1 from repo.change where space = $1 and did = $2', [
    space,
    did,
  ])
  if (held && rows.length > 0) await sink.forget(space, did)
}

type Name = { path: string; cid: string }

/**
 * Makes the views hold what the repo holds. Records read later than the state may be newer than it;
 * the log from that state on brings these once more.
 */
async function bringWhole({ sql, sink }: Between, at: RepoAt, since: string): Promise<void> {
  const head = await headOf(sql, at)
  if (!head) return
  // A repo restored from a backup is older than what the views hold of it.
  if (since >= head.rev) await sink.forget(at.space, at.did)
  for (let after: string | undefined = ''; after !== undefined;) {
    const names: Name[] = await namesAfter(sql, at, after)
    const upTo: string | undefined = names.length === NAMES ? names.at(-1)?.path : undefined
    const held = await heldBetween(sink, at, after, upTo)
    const there = new Set(names.map(({ path }) => path))
    const gone = [...held.keys()].filter((path) => !there.has(path))
    const writes = gone.map((path) => ({ ...parts(path), rev: head.rev, cid: null, bytes: null }))
    if (writes.length > 0) await sink.page({ ...at, rev: head.rev, writes })
    const other = names.filter(({ path, cid }) => held.get(path) !== cid)
    for (let n = 0; n < other.length; n += RECORDS) {
      const records = await recordsAt(sql, at, other.slice(n, n + RECORDS))
      await sink.page({ ...at, rev: head.rev, writes: records })
    }
    after = upTo
  }
  await sink.apply({ ...at, rev: head.rev, setHash: head.setHash, writes: [] })
}

async function heldBetween(
  sink: SpaceSink,
  { space, did }: RepoAt,
  after: string,
  upTo: string | undefined,
): Promise<Map<string, string>> {
  const held = new Map<string, string>()
  for (let from = after; ;) {
    const page = await sink.held(space, did, from, NAMES)
    for (const { path, cid } of page) {
      if (upTo !== undefined && path > upTo) return held
      held.set(path, cid)
    }
    if (page.length < NAMES) return held
    from = page.at(-1)!.path
  }
}

async function headOf(sql: Sql, { space, did }: RepoAt): Promise<RepoHead | undefined> {
  const { rows } = await sql.query<RepoHead>(
    `select rev, "setHash" from repo.repo
     where space = $1 and did = $2 and "deletedAt" is null`,
    [space, did],
  )
  return rows[0]
}

async function namesAfter(sql: Sql, at: RepoAt, after: string): Promise<Name[]> {
  const { rows } = await sql.query<Name>(
    `select path, cid from (
       select (collection || '/' || rkey) collate "C" as path, cid from repo.record
       where space = $1 and did = $2) as r
     where path > $3 order by path limit $4`,
    [at.space, at.did, after, NAMES],
  )
  return rows
}

async function recordsAt(
  sql: Sql,
  at: RepoAt,
  names: readonly Name[],
): Promise<SpaceRecordWrite[]> {
  const paths = names.map(({ path }) => parts(path))
  const { rows } = await sql.query<SpaceRecordWrite>(
    `select c.collection, c.rkey, c.rev, c.cid, c.bytes from repo.record c
     join unnest($3::text[], $4::text[]) as p (collection, rkey)
       on c.collection = p.collection and c.rkey = p.rkey
     where c.space = $1 and c.did = $2`,
    [at.space, at.did, paths.map(({ collection }) => collection), paths.map(({ rkey }) => rkey)],
  )
  return rows
}

function parts(path: string): { collection: string; rkey: string } {
  const slash = path.indexOf('/')
  return { collection: path.slice(0, slash), rkey: path.slice(slash + 1) }
}
