import type { Sql } from '../database/sql.ts'

/** Longer than any credential lives, with the skew of clocks. */
const KEPT_MS = 3_610_000
/** How long the hosts of repos are tried to be told; after that the credentials have expired. */
const TELL_FOR_MS = KEPT_MS

/**
 * Ends the credentials of a space that are out, of one account or of all, in the transaction that
 * takes away the reason for them: this node refuses them from then on, and the other hosts of the
 * space's repos are to be told.
 */
export async function revokeCredentials(
  tx: Sql,
  which: { space: string; did?: string; now: Date },
): Promise<number> {
  const { space, did = null, now } = which
  const { rowCount } = await tx.query(
    `insert into repo.revocation (space, jti, until)
     select space, jti, $4 from repo.credential
     where space = $1 and ($2::text is null or did = $2) and "expiresAt" > $3
     on conflict do nothing`,
    [space, did, now, new Date(now.getTime() + KEPT_MS)],
  )
  if (!rowCount) return 0
  await tx.query(
    `insert into repo.notice (space, "to", kind, subject, "nextAt", until)
     select c.space, w.did, 'revoked', c.jti, $3, $4
     from repo.credential c join repo.writer w on w.space = c.space
     where c.space = $1 and ($2::text is null or c.did = $2) and c."expiresAt" > $3
       and not exists (select 1 from repo.repo r where r.space = w.space and r.did = w.did)
     on conflict do nothing`,
    [space, did, now, new Date(now.getTime() + TELL_FOR_MS)],
  )
  return rowCount
}

/** Takes in what the authority of a space has revoked. */
export async function keepRevocations(
  sql: Sql,
  { space, jtis, now }: { space: string; jtis: readonly string[]; now: Date },
): Promise<void> {
  await sql.query(
    `insert into repo.revocation (space, jti, until)
     select $1, jti, $3 from unnest($2::text[]) as j (jti) on conflict do nothing`,
    [space, jtis, new Date(now.getTime() + KEPT_MS)],
  )
  await sql.query('delete from repo.revocation where until < $1', [now])
}

/** Whether a credential was revoked. */
export async function isRevoked(sql: Sql, space: string, jti: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'select 1 from repo.revocation where space = $1 and jti = $2',
    [space, jti],
  )
  return rowCount === 1
}
