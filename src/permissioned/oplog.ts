import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { tidAt } from '../tid.ts'
import type { RepoAt, RepoHead } from './repo-reads.ts'

/** A change of one record; those of one rev are one batch. */
export type Op = {
  rev: string
  idx: number
  collection: string
  rkey: string
  cid: string | null
  prev: string | null
  /** the record, unless it has been changed again since */
  bytes: Uint8Array | null
}

/** A part of a repo's log, oldest first. `head` is where the repo stands, if the part gets there. */
export type OpsPage = { ops: Op[]; head?: RepoHead; cursor?: string; opsSince: string }

/** Operations in one answer. */
export const OPS_MAX = 1_000

const CURSOR = /^[2-7a-z]{13}\.\d{1,9}$/

type Row = Omit<Op, 'rev'> & {
  rev: string | null
  headRev: string
  opsSince: string
  state: Uint8Array | null
}

/**
 * Reads the log of a repo after the rev `since`, or on from a `cursor`, as of one moment.
 * Undefined without a repo; throws XRPC `InvalidRequest` for a cursor of no page. What is older
 * than `opsSince` was compacted away: who stands before that has to fetch the repo whole.
 */
export async function listOps(
  sql: Sql,
  query: RepoAt & {
    since?: string
    cursor?: string
    limit: number
    excludeValues?: boolean
    /** also of what is not served to others, for the views */
    local?: boolean
  },
): Promise<OpsPage | undefined> {
  const { space, did, since = '', cursor, excludeValues = false, local = false } = query
  const limit = Math.min(query.limit, OPS_MAX)
  if (cursor !== undefined && !CURSOR.test(cursor)) throw new InvalidRequestError('Bad cursor')
  // No operation has such a number: a rev alone is passed whole.
  const [rev = '', idx = '2147483647'] = cursor?.split('.') ?? [since]
  const { rows } = await sql.query<Row>({ name: 'repo-ops', text: OPS }, [
    space,
    did,
    local,
    rev,
    Number(idx),
    limit + 1,
    excludeValues,
  ])
  const [first] = rows
  if (!first) return undefined
  const ops = rows.flatMap(opOf).slice(0, limit)
  const { headRev, opsSince, state } = first
  const last = ops.at(-1)
  if (rows.length > limit && last) return { ops, opsSince, cursor: `${last.rev}.${last.idx}` }
  return { ops, opsSince, ...(state && { head: { rev: headRev, setHash: state } }) }
}

/** A repo whose log has nothing to say is one row without an operation. */
function opOf({ rev, idx, collection, rkey, cid, prev, bytes }: Row): Op[] {
  return rev === null ? [] : [{ rev, idx, collection, rkey, cid, prev, bytes }]
}

const OPS = `
with head as materialized (
  select * from repo.repo where space = $1 and did = $2 and "deletedAt" is null
    and ($3::bool or source = 'signed')
), op as materialized (
  select o.rev, o.idx, o.collection, o.rkey, o.cid, o.prev from repo.oplog o
  where o.space = $1 and o.did = $2 and (o.rev, o.idx) > ($4::text, $5::int)
  order by o.rev, o.idx limit $6::int
)
select h.rev as "headRev", h."opsSince",
  case when row_number() over (order by o.rev, o.idx) = 1 then h."setHash" end as state,
  o.rev, o.idx, o.collection, o.rkey, o.cid, o.prev,
  case when not $7::bool then c.bytes end as bytes
from head h left join op o on true
  left join repo.record c on c.space = $1 and c.did = $2 and c.collection = o.collection
    and c.rkey = o.rkey and c.cid = o.cid
order by o.rev, o.idx`

/** How much of its log a repo keeps. */
export type OplogLimits = { days: number; ops: number }

/** What syncers that come back within a month need. */
export const OPLOG_LIMITS: OplogLimits = { days: 30, ops: 10_000 }

/** Shortens the logs of up to `limit` repos after `after`, each in one transaction, never within a
 *  rev. Answers the last one looked at, to go on from; undefined at the end. */
export async function compactLogs(
  options: { pool: SqlPool; clock: Clock; limits?: OplogLimits },
  after: RepoAt | undefined,
  limit: number,
): Promise<RepoAt | undefined> {
  const { pool, clock, limits = OPLOG_LIMITS } = options
  const { rows } = await pool.query<RepoAt>(
    `select space, did from repo.repo where (space, did) > ($1, $2)
     order by space, did limit $3`,
    [after?.space ?? '', after?.did ?? '', limit],
  )
  const before = tidAt(new Date(clock.now().getTime() - limits.days * 86_400_000))
  for (const at of rows) await compactLog(pool, at, { before, ops: limits.ops })
  return rows.length === limit ? rows.at(-1) : undefined
}

async function compactLog(
  pool: SqlPool,
  { space, did }: RepoAt,
  keep: { before: string; ops: number },
): Promise<void> {
  const { rows } = await pool.query<{ rev: string | null }>(
    `select greatest(
       (select max(rev) from repo.oplog where space = $1 and did = $2 and rev < $3),
       (select rev from repo.oplog where space = $1 and did = $2
        order by rev desc, idx desc offset $4 limit 1)) as rev`,
    [space, did, keep.before, keep.ops],
  )
  const rev = rows[0]?.rev
  if (rev === undefined || rev === null) return
  await transaction(pool, async (tx) => {
    const values = [space, did, rev]
    await tx.query(
      `update repo.repo set "opsSince" = $3
       where space = $1 and did = $2 and "opsSince" < $3 and rev >= $3`,
      values,
    )
    await tx.query('delete from repo.oplog where space = $1 and did = $2 and rev <= $3', values)
  })
}
