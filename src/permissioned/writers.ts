import type { Clock } from '../clock.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { laterTid } from '../tid.ts'
import { TELL_FOR_MS } from './write-statement.ts'

/** A repo in a space hosted here, with its place in the order of the space. */
export type Writer = { did: string; rev: string; hash: Uint8Array; spaceRev: string }
/** A writer whose turn has come; `prevSpaceRev` is that of the one before, null for the first. */
export type OrderedWriter = Writer & { prevSpaceRev: string | null }

type Options = { pool: SqlPool; clock: Clock; nextTid: () => string }

/**
 * Takes note of a write elsewhere into a space hosted here. Answers false for a rev that is not
 * newer than what is known, and for a space that is not here. Whether the author may write is to
 * be asked before.
 */
export async function noteWriter(
  sql: Sql,
  { space, did, rev, hash }: { space: string; did: string; rev: string; hash: Uint8Array },
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `insert into repo.writer as w (space, did, rev, hash)
     select $1, $2, $3, $4 from repo.space where space = $1 and "deletedAt" is null
     on conflict (space, did) do update
       set rev = excluded.rev, hash = excluded.hash, "spaceRev" = null where w.rev < excluded.rev`,
    [space, did, rev, Buffer.from(hash)],
  )
  return rowCount === 1
}

/**
 * Gives each repo that has written since the last time a spaceRev, newer than all before, and puts
 * down what the space's syncers are to be told, in one transaction. That is not done while a write
 * is stored, as writers of one space would wait for each other; nobody is told of a write before.
 * Who `mayWrite` says may not is passed over and stays in line.
 */
export function orderWriters(
  { pool, clock, nextTid }: Options,
  space: string,
  mayWrite: (did: string, tx: Sql) => Promise<boolean>,
): Promise<OrderedWriter[]> {
  return transaction(pool, async (tx) => {
    const now = clock.now()
    if (!(await hasWaiting(tx, space))) return []
    const spaces = await tx.query<{ spaceRev: string | null }>(
      'select "spaceRev" from repo.space where space = $1 and "deletedAt" is null for update',
      [space],
    )
    if (!spaces.rows[0]) return []
    let last = spaces.rows[0].spaceRev
    // Writers that store meanwhile wait for this transaction, and are in line again after it.
    const waiting = await tx.query<Omit<Writer, 'spaceRev'>>(
      `select did, rev, hash from repo.writer where space = $1 and "spaceRev" is null
       order by rev, did for update`,
      [space],
    )
    const ordered: OrderedWriter[] = []
    for (const writer of waiting.rows) {
      if (!(await mayWrite(writer.did, tx))) continue
      const tid = nextTid()
      const spaceRev = last === null || tid > last ? tid : laterTid(last)
      ordered.push({ ...writer, spaceRev, prevSpaceRev: last })
      last = spaceRev
    }
    if (ordered.length > 0) await storeOrder(tx, space, ordered, now)
    return ordered
  })
}

async function hasWaiting(sql: Sql, space: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'select 1 from repo.writer where space = $1 and "spaceRev" is null limit 1',
    [space],
  )
  return rowCount === 1
}

async function storeOrder(
  tx: Sql,
  space: string,
  ordered: readonly OrderedWriter[],
  now: Date,
): Promise<void> {
  const dids = ordered.map(({ did }) => did)
  const revs = ordered.map(({ spaceRev }) => spaceRev)
  await tx.query('update repo.space set "spaceRev" = $2 where space = $1', [space, revs.at(-1)])
  await tx.query(
    `update repo.writer w set "spaceRev" = o."spaceRev"
     from unnest($2::text[], $3::text[]) as o (did, "spaceRev")
     where w.space = $1 and w.did = o.did`,
    [space, dids, revs],
  )
  await tx.query(
    `insert into repo.forward (space, service, did, rev, hash, "spaceRev", "prevSpaceRev",
       "nextAt", until)
     select $1, s.service, o.did, o.rev, o.hash, o."spaceRev", o.prev, $6, $7
     from repo.syncer s, unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $8::text[])
       as o (did, "spaceRev", prev, hash, rev)
     where s.space = $1 and s."expiresAt" > $6
     on conflict (space, service, did) do update set rev = excluded.rev, hash = excluded.hash,
       "spaceRev" = excluded."spaceRev", "prevSpaceRev" = excluded."prevSpaceRev",
       until = excluded.until`,
    [
      space,
      dids,
      revs,
      ordered.map(({ prevSpaceRev }) => prevSpaceRev),
      ordered.map(({ hash }) => Buffer.from(hash)),
      now,
      new Date(now.getTime() + TELL_FOR_MS),
      ordered.map(({ rev }) => rev),
    ],
  )
}

/** Repos of a space after a spaceRev, in the order of the space (`listRepos`). To be called after
 *  `orderWriters`. */
export async function listWriters(
  sql: Sql,
  { space, cursor = '', limit }: { space: string; cursor?: string; limit: number },
): Promise<Writer[]> {
  const { rows } = await sql.query<Writer>(
    `select did, rev, hash, "spaceRev" from repo.writer
     where space = $1 and "spaceRev" > $2 order by "spaceRev" limit $3`,
    [space, cursor, limit],
  )
  return rows
}
