import type { Standing } from '../firehose/standing.ts'
import type { Claim, SyncStore } from '../firehose/store.ts'
import { STANDING } from './account.ts'
import type { Sql } from './sql.ts'

type Page = { after: string; limit: number }

/** What is known of these accounts; those never heard of are left out. */
export async function standings(sql: Sql, dids: readonly string[]): Promise<Map<string, Standing>> {
  if (dids.length === 0) return new Map()
  const { rows } = await sql.query<Standing>(
    { name: 'standings', text: `select ${STANDING} from appview.account where did = any($1)` },
    [dids],
  )
  return new Map(rows.map((standing) => [standing.did, standing]))
}

/** Accounts last known to live at a PDS, ascending by DID, without deleted ones. */
export async function accountsAt(sql: Sql, pds: string, page: Page): Promise<Standing[]> {
  const { rows } = await sql.query<Standing>(
    `select ${STANDING} from appview.account
     where pds = $1 and did collate "C" > $2 and status <> 'deleted'
     order by did collate "C" limit $3`,
    [pds, page.after, page.limit],
  )
  return rows
}

/** The accounts followed that are there, ascending by DID. */
export async function followed(sql: Sql): Promise<{ did: string; pds: string }[]> {
  const { rows } = await sql.query<{ did: string; pds: string }>(
    `select did, pds from appview.account
     where followed and pds is not null and status <> 'deleted' order by did collate "C"`,
  )
  return rows
}

/** Takes repos to be fetched; each is given to one caller only. */
export async function claim(
  sql: Sql,
  options: Parameters<SyncStore['claim']>[0],
): Promise<Claim[]> {
  const { limit, now, exceptPds = [], exceptDids = [] } = options
  const values = [limit, now, exceptPds, exceptDids]
  const { rows } = await sql.query<Claim & { since: Date }>(CLAIM, values)
  rows.sort((a, b) => a.since.getTime() - b.since.getTime() || (a.did < b.did ? -1 : 1))
  return rows.map(({ since: _, ...claimed }) => claimed)
}

const CLAIM = `update appview.account a set state = 'in-progress', "handedOut" = null,
    "updatedAt" = $2
  from (
    select did, "resyncAt" as since from appview.account
    where state = 'desynchronized' and status in ('active', 'unconfirmed')
      and "localStatus" is null and "resyncAt" <= $2 and (pds is null or pds <> all($3::text[]))
      and did <> all($4::text[])
    order by "resyncAt", did collate "C" limit $1 for update skip locked
  ) due
  where a.did = due.did returning a.did, a.attempts, a.pds, due.since`

/** Gives a claim back. */
export async function unclaim(
  sql: Sql,
  { did, pds, now }: { did: string; pds: string | null; now: Date },
): Promise<void> {
  await sql.query(
    `update appview.account
     set state = 'desynchronized', "stateReason" = 'Unclaimed', pds = $2, "resyncAt" = $3
     where did = $1 and state = 'in-progress'`,
    [did, pds, now],
  )
}

/** Makes what was being fetched desynchronized again. */
export async function recover(
  sql: Sql,
  now: Date,
  fetching: readonly string[] = [],
): Promise<void> {
  await sql.query(
    `update appview.account
     set state = 'desynchronized', "stateReason" = 'Interrupted', "resyncAt" = $1
     where state = 'in-progress' and did <> all($2::text[])`,
    [now, fetching],
  )
}

/** The paths of what is kept of a repo, ascending by code units. */
export async function held(
  sql: Sql,
  did: string,
  page: Page,
): Promise<{ path: string; cid: string }[]> {
  const path = `(collection || '/' || rkey) collate "C"`
  const { rows } = await sql.query<{ path: string; cid: string }>(
    `select collection || '/' || rkey as path, cid from appview.record
     where did = $1 and cid is not null and ${path} > $2 order by ${path} limit $3`,
    [did, page.after, page.limit],
  )
  return rows
}
