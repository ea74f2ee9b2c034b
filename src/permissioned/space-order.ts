import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { laterTid } from '../tid.ts'
import type { Decide } from './access.ts'
import type { HostedSpace } from './hosted-spaces.ts'

/** A state of a repo, as its host has told it. */
export type Told = { did: string; rev: string; hash: Uint8Array }

/** How long a syncer is tried to be told of a write. */
const FORWARD_FOR_MS = 24 * 3_600_000

type Order = { pool: SqlPool; nextTid: () => string; now: () => Date }

/**
 * Takes in what the host of a repo tells of it: the repo gets the next revision of the space and
 * every registered syncer is to be told, all or nothing. False for what is not newer than what is
 * known, which changes nothing.
 */
export function takeTold(order: Order, space: string, told: Told): Promise<boolean> {
  return transaction(order.pool, async (tx) => {
    const last = await lockSpace(tx, space)
    const { rows } = await tx.query<{ rev: string }>(
      'select rev from repo.writer where space = $1 and did = $2',
      [space, told.did],
    )
    if (last === undefined || (rows[0] && rows[0].rev >= told.rev)) return false
    await place(tx, { ...order, space, last }, [told])
    return true
  })
}

/**
 * Gives those repos of this node that have written since their place in the order of the space, by
 * their revisions, and has syncers told. A repo that the write policy does not admit is forgotten.
 */
export async function putInOrder(
  order: Order & { decide: Decide },
  space: HostedSpace,
): Promise<number> {
  const { pool, decide } = order
  const { rows } = await pool.query<{ did: string }>(UNPLACED, [space.space])
  if (rows.length === 0) return 0
  const verdicts = await Promise.all(rows.map(({ did }) => decide(space, did, 'write')))
  const admitted = rows.filter((_, n) => verdicts[n] === 'yes').map(({ did }) => did)
  const strangers = rows.filter((_, n) => verdicts[n] === 'no').map(({ did }) => did)
  return transaction(pool, async (tx) => {
    const last = await lockSpace(tx, space.space)
    if (last === undefined) return 0
    await tx.query(
      'delete from repo.writer where space = $1 and did = any($2) and "spaceRev" is null',
      [space.space, strangers],
    )
    const waiting = await tx.query<Told>(`${UNPLACED} for update`, [space.space])
    const told = waiting.rows.filter(({ did }) => admitted.includes(did))
    await place(tx, { ...order, space: space.space, last }, told)
    return told.length
  })
}

const UNPLACED = `select did, rev, hash from repo.writer
  where space = $1 and "spaceRev" is null order by rev, did limit 1000`

/** One at a time decides about the order of a space. Answers its revision, empty for none yet. */
async function lockSpace(tx: Sql, space: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ spaceRev: string | null }>(
    'select "spaceRev" from repo.space where space = $1 and "deletedAt" is null for update',
    [space],
  )
  return rows[0] && (rows[0].spaceRev ?? '')
}

async function place(
  tx: Sql,
  at: Order & { space: string; last: string },
  told: readonly Told[],
): Promise<void> {
  const { space, now } = at
  let prev = at.last
  for (const { did, rev, hash } of told) {
    const tid = at.nextTid()
    const next = tid > prev ? tid : laterTid(prev)
    await tx.query(
      `insert into repo.writer (space, did, rev, hash, "spaceRev") values ($1, $2, $3, $4, $5)
       on conflict (space, did) do update set rev = excluded.rev, hash = excluded.hash,
         "spaceRev" = excluded."spaceRev"`,
      [space, did, rev, hash, next],
    )
    const until = new Date(now().getTime() + FORWARD_FOR_MS)
    await tx.query(FORWARD, [space, did, rev, hash, next, prev || null, now(), until])
    prev = next
  }
  if (told.length > 0)
    await tx.query('update repo.space set "spaceRev" = $2 where space = $1', [space, prev])
}

/** The newest of each repo is enough: a syncer that misses one before lists the repos again. */
const FORWARD = `
  insert into repo.forward
    (space, service, did, rev, hash, "spaceRev", "prevSpaceRev", "nextAt", until)
  select $1::text, service, $2::text, $3::text, $4::bytea, $5::text, $6::text,
    $7::timestamptz, $8::timestamptz
  from repo.syncer where space = $1 and "expiresAt" > $7
  on conflict (space, service, did) do update set rev = excluded.rev, hash = excluded.hash,
    "spaceRev" = excluded."spaceRev", "prevSpaceRev" = excluded."prevSpaceRev",
    until = excluded.until`
