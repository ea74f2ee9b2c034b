import type { Clock } from '../clock.ts'
import type { Identity } from '../identity/identity.ts'
import type { Sql } from './sql.ts'

/** Marks an account of another host as followed, with what its DID document says of it now. */
export async function markFollowed(
  sql: Sql,
  clock: Clock,
  account: Pick<Identity, 'did' | 'pds'> & { handle?: string },
): Promise<void> {
  await sql.query(
    `insert into appview.account (did, handle, pds, followed, "updatedAt")
     values ($1, $2, $3, true, $4)
     on conflict (did) do update set handle = coalesce(excluded.handle, account.handle),
       pds = excluded.pds, followed = true, "updatedAt" = excluded."updatedAt"`,
    [account.did, account.handle ?? null, account.pds, clock.now()],
  )
}

/** The accounts of other hosts that were followed before. */
export async function followedAccounts(sql: Sql): Promise<{ did: string; pds: string }[]> {
  const { rows } = await sql.query<{ did: string; pds: string }>(
    `select did, pds from appview.account
     where followed and pds is not null and status <> 'deleted'`,
  )
  return rows
}

/** Where a host's stream was last read up to; undefined for one never read. */
export async function cursorOf(sql: Sql, host: string): Promise<number | undefined> {
  const { rows } = await sql.query<{ cursor: string }>(
    'select cursor from appview.host where host = $1',
    [host],
  )
  return rows[0] && Number(rows[0].cursor)
}

/** Where an account was last known to live; undefined for one never heard of. */
export async function homeOf(sql: Sql, did: string): Promise<string | null | undefined> {
  const text = 'select pds from appview.account where did = $1'
  const { rows } = await sql.query<{ pds: string | null }>({ name: 'home', text }, [did])
  return rows[0]?.pds
}
