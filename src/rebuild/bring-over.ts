import type { Kept, Write } from '../appview/index-record.ts'
import type { Sql } from '../appview/sql.ts'
import { SetHash, sameHash } from '../permissioned/format/set-hash.ts'
import { NEXT, inSchema } from './in-schema.ts'
import { type Filling, type Version, show } from './take-in.ts'

/** A permissioned repo: its author, and the space it is in. */
export type SpaceRepo = { readonly place: string; readonly did: string }

/** Where a permissioned repo is taken from: schema `repo`, where it is kept, or the old views;
 *  `nowhere` takes it out. */
export type SpaceSource = 'repo' | 'views' | 'nowhere'

/** What became of it: `unsound` when the records are not those that the state speaks of. */
export type Brought = 'brought' | 'unsound'

const PAGE = 200

/**
 * Makes the new tables hold a permissioned repo as its source has it, and changes there only what
 * differs; a repo that the source does not have is taken out. Unless `trusted`, a source whose
 * records do not add up to the set hash of its state changes nothing. All of it is to be seen as of
 * one moment: by a transaction that reads repeatably, or while nobody writes.
 */
export async function bringOver(
  tx: Sql,
  filling: Filling,
  repo: SpaceRepo,
  { from, trusted = false }: { from: SpaceSource; trusted?: boolean },
): Promise<Brought> {
  const { place, did } = repo
  const sql = STATEMENTS[from === 'repo' ? 'repo' : 'views']
  const found = from !== 'nowhere' && (await tx.query<Head>(sql.head, [place, did])).rows[0]
  const head = found || undefined
  if (!trusted && !(await addsUp(tx, sql.names, repo, head))) return 'unsound'
  const hidden = await isHidden(tx, did)
  for (let after = ['', '']; ;) {
    const values = [place, did, head !== undefined, ...after, PAGE, filling.now]
    const { rows } = await tx.query<Differing>(sql.page, values)
    await take(tx, filling, { rows, hidden })
    const last = rows.at(-1)
    if (!last) break
    after = [last.collection, last.rkey]
  }
  if (head) await tx.query(KEEP_STATE, [place, did, head.rev, head.setHash, head.updatedAt])
  else await tx.query(`delete from ${NEXT}."spaceRepo" where place = $1 and did = $2`, [place, did])
  return 'brought'
}

type Head = { rev: string; setHash: Uint8Array; updatedAt: Date | null }

/** A version of the source, or its absence there (no `rev`) of what the new tables hold. */
type Differing = Omit<Version, 'rev' | 'indexedAt'> & {
  readonly rev: string | null
  readonly indexedAt: Date | null
  readonly heldRev: string | null
}

/** Whether the new tables, with what differs in the source, hold what its state says. */
async function addsUp(
  tx: Sql,
  names: string,
  { place, did }: SpaceRepo,
  head: Head | undefined,
): Promise<boolean> {
  const state = await tx.query<{ setHash: Uint8Array }>(
    `select "setHash" from ${NEXT}."spaceRepo" where place = $1 and did = $2`,
    [place, did],
  )
  const hash = new SetHash(state.rows[0]?.setHash)
  for (let after = ['', '']; ;) {
    const { rows } = await tx.query<Name>(names, [place, did, head !== undefined, ...after, 1_000])
    for (const { collection, rkey, cid, held } of rows) {
      if (held !== null) hash.remove(`${collection}/${rkey}`, held)
      if (cid !== null) hash.add(`${collection}/${rkey}`, cid)
    }
    const last = rows.at(-1)
    if (!last) break
    after = [last.collection, last.rkey]
  }
  return sameHash(hash.state(), head?.setHash ?? new SetHash().state())
}

type Name = { collection: string; rkey: string; cid: string | null; held: string | null }

/** What the new tables show of the author's public repo. */
async function isHidden(tx: Sql, did: string): Promise<boolean> {
  const { rows } = await tx.query<{ hidden: boolean }>(
    `select hidden from ${NEXT}.rebuilt where did = $1`,
    [did],
  )
  return rows[0]?.hidden ?? false
}

async function take(
  tx: Sql,
  filling: Filling,
  { rows, hidden }: { rows: readonly Differing[]; hidden: boolean },
): Promise<void> {
  const { indexer, now, bulk } = filling
  const isThere = (row: Differing): row is Differing & Version => row.rev !== null
  await show(tx, filling, rows.filter(isThere), hidden)
  const gone = rows.filter((row) => !isThere(row))
  if (gone.length === 0) return
  const next = inSchema(tx, NEXT)
  const writes: Write[] = gone.map(({ heldRev, ...at }) => {
    return { ...at, rev: heldRev ?? '', cid: null, bytes: null }
  })
  if (bulk) await indexer.load(next, writes, { now, force: true })
  else await indexer.writeAll(next, writes, { now, force: true, quiet: true })
  await tx.query(FORGET, [
    gone[0]!.place,
    gone[0]!.did,
    gone.map(({ collection }) => collection),
    gone.map(({ rkey }) => rkey),
  ])
}

/** Shows again what the new tables keep of the permissioned repos of an account. */
export async function showInSpaces(tx: Sql, { indexer }: Filling, did: string): Promise<void> {
  for (let after = ['', '', '']; ;) {
    const { rows } = await tx.query<Kept & { place: string }>(
      `select did, collection, rkey, place, rev, cid, bytes, "indexedAt" from ${NEXT}."spaceRecord"
       where did = $1 and cid is not null and (collection, rkey, place) > ($2, $3, $4)
       order by collection, rkey, place limit ${PAGE}`,
      [did, ...after],
    )
    await indexer.restoreAll(inSchema(tx, NEXT), rows, { quiet: true })
    const last = rows.at(-1)
    if (!last) return
    after = [last.collection, last.rkey, last.place]
  }
}

/** Names are compared as the views sort them. */
const NAMES = `c.collection collate "default" as collection, c.rkey collate "default" as rkey`
const SAME_NAME = `o.did = c.did collate "default" and o.place = c.space collate "default"
  and o.collection = c.collection collate "default" and o.rkey = c.rkey collate "default"`

/** Versions keep the time since when the old views have them, and what they have of deletions. */
const FROM_REPO = `select ${NAMES}, c.cid, c.rev collate "default" as rev, c.bytes, o."indexedAt"
    from repo.record c left join appview."spaceRecord" o on ${SAME_NAME} and o.cid = c.cid
    where c.space = $1 and c.did = $2
  union all
  select o.collection, o.rkey, null, o.rev, null, o."indexedAt" from appview."spaceRecord" o
    where o.place = $1 and o.did = $2 and o.cid is null
      and not exists (select from repo.record c where ${SAME_NAME})`
const FROM_VIEWS = `select collection, rkey, cid, rev, bytes, "indexedAt"
  from appview."spaceRecord" where place = $1 and did = $2`

const differing = (source: string, columns: string) => `select ${columns}
  from (select * from (${source}) s where $3::bool) o
  full join (select collection, rkey, cid, rev from ${NEXT}."spaceRecord"
    where place = $1 and did = $2) n using (collection, rkey)
  where (o.cid is distinct from n.cid or o.rev is distinct from n.rev)
    and (collection, rkey) > ($4, $5)
  order by collection, rkey limit $6`

const statementsOf = (source: string, head: string) => ({
  head,
  names: differing(source, 'collection, rkey, o.cid, n.cid as held'),
  page: `with page as (
      ${differing(
        source,
        `collection, rkey, o.cid, o.rev, o.bytes, n.rev as "heldRev",
        case when o.rev is not null then coalesce(o."indexedAt", $7::timestamptz) end
          as "indexedAt"`,
      )}),
    kept as (
      insert into ${NEXT}."spaceRecord" as r
        (did, collection, rkey, place, cid, rev, bytes, "indexedAt")
      select $2, collection, rkey, $1, cid, rev, bytes, "indexedAt" from page where rev is not null
      on conflict (did, collection, rkey, place) do update set cid = excluded.cid,
        rev = excluded.rev, bytes = excluded.bytes, "indexedAt" = excluded."indexedAt",
        reason = null, detail = null)
    select $2 as did, $1 as place, page.* from page order by collection, rkey`,
})

const STATEMENTS = {
  repo: statementsOf(
    FROM_REPO,
    `select p.rev, p."setHash", o."updatedAt" from repo.repo p
     left join appview."spaceRepo" o on o.place = p.space collate "default"
       and o.did = p.did collate "default" and o.rev = p.rev
     where p.space = $1 and p.did = $2 and p."deletedAt" is null`,
  ),
  views: statementsOf(
    FROM_VIEWS,
    'select rev, "setHash", "updatedAt" from appview."spaceRepo" where place = $1 and did = $2',
  ),
}

const KEEP_STATE = `insert into ${NEXT}."spaceRepo" (place, did, rev, "setHash", "updatedAt")
  values ($1, $2, $3, $4, coalesce($5::timestamptz, now()))
  on conflict (place, did) do update set rev = excluded.rev, "setHash" = excluded."setHash",
    "updatedAt" = excluded."updatedAt"`

const FORGET = `delete from ${NEXT}."spaceRecord" r using unnest($3::text[], $4::text[])
    as v(collection, rkey)
  where r.place = $1 and r.did = $2 and r.collection = v.collection and r.rkey = v.rkey`
