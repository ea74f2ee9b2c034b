import type { Sql } from '../../database/sql.ts'

/** A credential that was given out, to be able to take it back. */
export type GivenCredential = {
  space: string
  jti: string
  authority: string
  did: string
  clientId?: string
  expiresAt: Date
}

/** How long a revocation is kept: the longest life of a credential, and the skew of clocks. */
const REVOKED_FOR_MS = 3_610_000
const TELL_FOR_MS = 3_610_000

/** Remembers a credential, before it is given out. */
export async function rememberCredential(sql: Sql, given: GivenCredential): Promise<void> {
  const { space, jti, authority, did, clientId = null, expiresAt } = given
  await sql.query(
    `insert into repo.credential (space, jti, authority, did, "clientId", "expiresAt")
     values ($1, $2, $3, $4, $5, $6)`,
    [space, jti, authority, did, clientId, expiresAt],
  )
}

/** Revokes what is outstanding: of one person in all spaces of an authority, or of everybody in a
 *  space. The hosts of the space's writers are to be told (`notice`). Answers the credentials. */
export async function revoke(
  tx: Sql,
  whose: { authority: string; did: string } | { space: string },
  now: Date,
): Promise<{ space: string; jti: string }[]> {
  const [where, values] =
    'space' in whose
      ? ['space = $1', [whose.space]]
      : ['authority = $1 and did = $2', [whose.authority, whose.did]]
  const { rows } = await tx.query<{ space: string; jti: string; expiresAt: Date }>(
    `delete from repo.credential where ${where} returning space, jti, "expiresAt"`,
    values,
  )
  const outstanding = rows.filter(({ expiresAt }) => expiresAt > now)
  for (const { space, jti } of outstanding) await revokeOne(tx, { space, jti }, now)
  return outstanding.map(({ space, jti }) => ({ space, jti }))
}

async function revokeOne(
  tx: Sql,
  { space, jti }: { space: string; jti: string },
  now: Date,
): Promise<void> {
  await noteRevocations(tx, space, [jti], now)
  await tx.query(
    `insert into repo.notice (space, "to", kind, subject, "nextAt", until)
     select space, did, 'revoked', $2, $3, $4 from repo.writer where space = $1
     on conflict do nothing`,
    [space, jti, now, new Date(now.getTime() + TELL_FOR_MS)],
  )
}

/** Takes note of revocations, also of another authority's. */
export async function noteRevocations(
  sql: Sql,
  space: string,
  jtis: readonly string[],
  now: Date,
): Promise<void> {
  await sql.query(
    `insert into repo.revocation (space, jti, until)
     select $1, jti, $3 from unnest($2::text[]) as r (jti)
     on conflict (space, jti) do update set until = excluded.until`,
    [space, jtis, new Date(now.getTime() + REVOKED_FOR_MS)],
  )
}

/** Whether a credential has been revoked. */
export async function isRevoked(sql: Sql, space: string, jti: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    { name: 'repo-revoked', text: 'select 1 from repo.revocation where space = $1 and jti = $2' },
    [space, jti],
  )
  return rowCount === 1
}

/** Deletes what has expired of credentials, revocations, syncers and what could not be told. */
export async function sweepExpired(sql: Sql, now: Date): Promise<void> {
  await sql.query('delete from repo.revocation where until < $1', [now])
  for (const table of ['credential', 'syncer']) {
    await sql.query(`delete from repo.${table} where "expiresAt" < $1`, [now])
  }
  for (const table of ['outbox', 'forward', 'notice']) {
    await sql.query(`delete from repo.${table} where until < $1`, [now])
  }
}
