import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { RepoWriter, Written } from './own-record.ts'
import type { Sql } from './sql.ts'

type At = { did: string; collection: string; rkey: string; place: string }
type Deps = { readonly sql: Sql; readonly writer: RepoWriter; readonly clock: Clock }

/** Where else the record stands now, in public (empty) or in permissioned spaces. */
export async function otherPlaces(sql: Sql, at: At): Promise<string[]> {
  const { rows } = await sql.query<{ place: string }>(
    `select '' as place from appview.record
     where did = $1 and collection = $2 and rkey = $3 and cid is not null and $4 <> ''
     union all
     select place from appview."spaceRecord"
     where did = $1 and collection = $2 and rkey = $3 and cid is not null and place <> $4`,
    [at.did, at.collection, at.rkey, at.place],
  )
  return rows.map(({ place }) => place)
}

/** Moves a record of an account hosted here: writes it where it is to stand, which is what views
 *  then show, and deletes it where it stood. What is to be deleted is noted first, so that a stop
 *  in between leaves no copy for the wrong readers; `resumeMoves` goes on with it. A public record
 *  has been seen by whoever wanted: taking it back does not recall copies. */
export async function moveRecord(
  { sql, writer, clock }: Deps,
  write: Parameters<RepoWriter['putRecord']>[0] & At,
  left: readonly string[],
): Promise<Written> {
  const { did, collection, rkey, place } = write
  await sql.query(
    `insert into node."pendingMove" (did, collection, rkey, "from", "to", "createdAt")
     select $1, $2, $3, f, $5, $6 from unnest($4::text[]) f
     on conflict (did, collection, rkey, "from") do update set "to" = excluded."to"`,
    [did, collection, rkey, left, place, clock.now()],
  )
  const written = await writer.putRecord(write)
  for (const from of left) await leave({ sql, writer }, { did, collection, rkey, from })
  return written
}

/** Deletes what moves that a stop cut off have left behind, where the record has reached its new
 *  place. Answers how many. */
export async function resumeMoves({ sql, writer, log }: Deps & { log: Log }): Promise<number> {
  const { rows } = await sql.query<At & { from: string; to: string }>(
    'select did, collection, rkey, "from", "to" from node."pendingMove" order by "createdAt"',
  )
  let done = 0
  for (const { from, to, ...move } of rows) {
    try {
      const there = await otherPlaces(sql, { ...move, place: from })
      if (there.includes(to)) await leave({ sql, writer }, { ...move, from })
      else await forget(sql, { ...move, from })
      done += 1
    } catch (error) {
      log.error({ err: error, did: move.did, collection: move.collection }, 'a move is unfinished')
    }
  }
  return done
}

type Left = Omit<At, 'place'> & { from: string }

async function leave(deps: Pick<Deps, 'sql' | 'writer'>, left: Left): Promise<void> {
  const { from, ...at } = left
  await deps.writer.deleteRecord({ ...at, place: from })
  await forget(deps.sql, left)
}

async function forget(sql: Sql, { did, collection, rkey, from }: Left): Promise<void> {
  await sql.query(
    `delete from node."pendingMove"
     where did = $1 and collection = $2 and rkey = $3 and "from" = $4`,
    [did, collection, rkey, from],
  )
}
