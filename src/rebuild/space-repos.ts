import { type Sql, transaction } from '../appview/sql.ts'
import { type SpaceRepo, bringOver } from './bring-over.ts'
import { NEXT } from './in-schema.ts'
import type { Rebuilding } from './rebuild.ts'
import type { Filling } from './take-in.ts'

/** A permissioned repo to be taken in; `own` when this node keeps it. */
export type KnownSpaceRepo = SpaceRepo & { readonly own: boolean }

/** Repos that this node keeps; those of an account that the views say is gone are going as well. */
const OWN = `select space collate "default" as place, did collate "default" as did, rev
  from repo.repo where "deletedAt" is null and not exists (select from appview.account a
    where a.did = repo.did collate "default" and a.status = 'deleted')`

/** Repos that are known and of which nothing was taken yet, those of one author together: two
 *  versions of one record in two places must see each other. */
export async function spaceReposToLoad(sql: Sql): Promise<ReadonlyMap<string, KnownSpaceRepo[]>> {
  const { rows } = await sql.query<KnownSpaceRepo>(
    `select place, did, p.did is not null as own
     from (${OWN}) p full join appview."spaceRepo" o using (place, did)
     where not exists (select from ${NEXT}."spaceRepo" n
       where (n.place, n.did) = (coalesce(p.place, o.place), coalesce(p.did, o.did)))
     order by did, place`,
  )
  return Map.groupBy(rows, ({ did }) => did)
}

/** Takes in a repo of which nothing was taken yet. One that does not add up here is taken as the
 *  old views have it; one of another node is left out then. */
export async function loadSpaceRepo(
  r: Pick<Rebuilding, 'pool' | 'report'>,
  filling: Filling,
  repo: KnownSpaceRepo,
): Promise<void> {
  const { place, did, own } = repo
  const from = own ? 'repo' : 'views'
  const taken = await asOfOneMoment(r.pool, (tx) => bringOver(tx, filling, repo, { from }))
  if (taken === 'brought') return
  const what = `${did} in ${place}`
  if (!own) return r.report(`${what}: left out, its records are not those of its set hash`)
  r.report(`${what}: as the views had it, its records are not those of its set hash`)
  const how = { from: 'views', trusted: true } as const
  await asOfOneMoment(r.pool, (tx) => bringOver(tx, filling, repo, how))
}

function asOfOneMoment<T>(pool: Filling['pool'], work: (tx: Sql) => Promise<T>): Promise<T> {
  return transaction(pool, async (tx) => {
    await tx.query('set transaction isolation level repeatable read')
    await tx.query('set local synchronous_commit = off')
    return work(tx)
  })
}

/** The repos that the old views have changed since they were taken in. A repo that is kept here can
 *  have been taken in later than the old views got to know of it. */
export async function changedSpaceRepos(sql: Sql): Promise<readonly KnownSpaceRepo[]> {
  const { rows } = await sql.query<KnownSpaceRepo>(
    `select place, did, p.did is not null as own
     from appview."spaceRepo" o full join ${NEXT}."spaceRepo" n using (place, did)
       left join (${OWN}) p using (place, did)
     where case when p.did is not null then o.rev is not null and o.rev > coalesce(n.rev, '')
       else o.rev is distinct from n.rev or o."setHash" <> n."setHash" end
     order by did, place`,
  )
  return rows
}

/** Brings a repo to where the old views have it, in a transaction that reads repeatably or holds up
 *  who writes. Answers whether the new tables hold it now. One that does not add up there is taken
 *  from where it is kept when `anew`; one of another node is left out. */
export async function catchUpSpaceRepo(
  tx: Sql,
  filling: Filling,
  repo: KnownSpaceRepo,
  { anew }: { anew: boolean },
): Promise<boolean> {
  if ((await bringOver(tx, filling, repo, { from: 'views' })) === 'brought') return true
  if (!repo.own) {
    await leaveOut(tx, filling, repo)
    return false
  }
  return anew && (await bringOver(tx, filling, repo, { from: 'repo' })) === 'brought'
}

/** Takes everything of a repo out of the new tables. */
async function leaveOut(tx: Sql, filling: Filling, repo: SpaceRepo): Promise<void> {
  await bringOver(tx, filling, repo, { from: 'nowhere', trusted: true })
}

/** Makes due again what the new tables hold otherwise than where it is kept: own repos for what
 *  brings them into the views, those of others for the syncer. What it is fetching whole in this
 *  moment has gone, in part, into the old tables. */
export async function makeSpaceReposDue(tx: Sql, now: Date): Promise<void> {
  await tx.query(
    `insert into repo.change (space, did, rev) select p.place, p.did, p.rev from (${OWN}) p
       left join ${NEXT}."spaceRepo" n using (place, did)
     where n.rev is null or n.rev < p.rev on conflict (space, did) do nothing`,
  )
  await tx.query(
    `insert into repo."followRepo" as r (space, did, whole, "nextAt", reason)
     select f.space, o.did, true, $1, 'Rebuilt'
     from appview."spaceRepo" o join repo.follow f on f.space = o.place
       left join ${NEXT}."spaceRepo" n on (n.place, n.did) = (o.place, o.did)
     where f.state = 'following' and n.did is null
       and not exists (select from (${OWN}) p where (p.place, p.did) = (o.place, o.did))
     on conflict (space, did) do update set whole = true, "nextAt" = least(r."nextAt", $1)`,
    [now],
  )
  await tx.query(`update repo."followRepo" set mark = mark + 1, reason = 'Rebuilt' where whole`)
  // Where nothing is held, the checkpoint would keep the repos there from being asked for.
  await tx.query(
    `update repo.follow f set checkpoint = null, "nextSweepAt" = $1
     where state = 'following' and not exists (select from ${NEXT}."spaceRepo" n
       where n.place = f.space collate "default")`,
    [now],
  )
}
