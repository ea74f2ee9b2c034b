import type { Clock } from '../../clock.ts'
import { type Sql, type SqlPool, transaction } from '../../database/sql.ts'
import { audienceUri, isCustomerKey, parseAudience, rolesOf } from '../audience.ts'
import { revoke } from './credentials.ts'
import type { Guard, GuardedChange } from './guard.ts'

/** Who may read or write in the spaces hosted here. */
export type Admission = {
  /** Whether somebody may: by role in the space of an audience, else by its policies. The authority
   *  always may. `managed` when another service is to be asked, whose DID is named. */
  allowed(space: string, did: string, access: 'read' | 'write'): Promise<boolean | Managed>
  /** Who is in the list of members, in order of their DIDs, expanded from roles for an audience. */
  members(
    space: string,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ members: Member[]; cursor?: string }>
}

/** Decided by the managing app of a space. */
export type Managed = { managingApp: string }
/** Somebody in the list of members of a space. */
export type Member = { did: string; read: boolean; write: boolean }

/** Makes the look-up. Nothing is remembered: who is removed is out at once. The space of a customer
 *  is read by that customer beside the roles that read it. */
export function createAdmission({ pool }: { pool: Sql }): Admission {
  return {
    async allowed(space, did, access) {
      const audience = parseAudience(space)
      if (!audience) return allowedByPolicy(pool, { space, did, access })
      if (audience.authority === did) return isThere(pool, space)
      const { rowCount } = await pool.query({ name: 'repo-admitted', text: ADMITTED }, [
        space,
        audience.authority,
        did,
        rolesOf(audience.audience, access),
      ])
      if (rowCount === 1) return true
      const isCustomer = access === 'read' && isCustomerKey(audience.audience)
      return isCustomer && isCustomerOf(pool, space, did)
    },
    members: (space, cursor = '', limit) => members(pool, { space, cursor, limit }),
  }
}

const ADMITTED = `select 1 from repo.admission a
  join repo.space s on s.space = $1 and s."deletedAt" is null
  where a.authority = $2 and a.subject = $3 and a.status = 'active' and a.role = any($4)`

async function isCustomerOf(sql: Sql, space: string, did: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `select 1 from repo.member m join repo.space s on s.space = m.space and s."deletedAt" is null
     where m.space = $1 and m.did = $2 and m.read`,
    [space, did],
  )
  return rowCount === 1
}

async function isThere(sql: Sql, space: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    'select 1 from repo.space where space = $1 and "deletedAt" is null',
    [space],
  )
  return rowCount === 1
}

type PolicyRow = {
  authority: string
  policy: { $type: string; managingApp?: string }
  listed: boolean | null
}

async function allowedByPolicy(
  sql: Sql,
  { space, did, access }: { space: string; did: string; access: 'read' | 'write' },
): Promise<boolean | Managed> {
  const { rows } = await sql.query<PolicyRow>(
    `select s.authority, s."${access}Policy" as policy, m.${access} as listed from repo.space s
     left join repo.member m on m.space = s.space and m.did = $2
     where s.space = $1 and s."deletedAt" is null`,
    [space, did],
  )
  const [row] = rows
  if (!row) return false
  if (row.authority === did) return true
  const { $type, managingApp } = row.policy
  if ($type.endsWith('#publicPolicy')) return true
  if ($type.endsWith('#memberListPolicy')) return row.listed === true
  if ($type.endsWith('#managingAppPolicy') && managingApp !== undefined) return { managingApp }
  return false
}

async function members(
  sql: Sql,
  { space, cursor, limit }: { space: string; cursor: string; limit: number },
): Promise<{ members: Member[]; cursor?: string }> {
  const audience = parseAudience(space)
  const { rows } = audience
    ? await sql.query<Member>(
        `select did, bool_or(read) as read, bool_or(write) as write from (
           select subject as did, true as read, role = any($5) as write from repo.admission
           where authority = $1 and status = 'active' and role = any($4)
           union all select did, read, false from repo.member where space = $6) m
         where did > $2 group by did order by did limit $3`,
        [
          audience.authority,
          cursor,
          limit,
          rolesOf(audience.audience, 'read'),
          rolesOf(audience.audience, 'write'),
          space,
        ],
      )
    : await sql.query<Member>(
        `select did, read, write from repo.member where space = $1 and did > $2
         order by did limit $3`,
        [space, cursor, limit],
      )
  return { members: rows, ...(rows.length === limit && { cursor: rows.at(-1)!.did }) }
}

/**
 * Keeps whom an authority has admitted as its membership records in the space of its members say,
 * in the transaction that stores them. A changed role or status, and a removal, revoke what the
 * person holds of credentials for all spaces of that authority.
 */
export function admissionGuard(options: {
  membershipType: string
  /** A community's, unless another is said. */
  spaceType?: string
  clock: Clock
}): Guard {
  const { membershipType, spaceType, clock } = options
  return {
    concerns: ({ space, did, collection }) =>
      collection === membershipType && space === audienceUri(did, 'members', spaceType),
    apply: (tx, change) => admit(tx, change, clock.now()),
  }
}

/** Keeps whom an authority has admitted by a record of its public repo, or without a role no longer
 *  admits; likewise revokes what a changed role was given. */
export function setAdmission(
  pool: SqlPool,
  said: { authority: string; subject: string; role: string | undefined; rev: string },
  now: Date,
): Promise<void> {
  const { authority: did, subject: rkey, role, rev } = said
  const record = role === undefined ? undefined : { role }
  return transaction(pool, (tx) => admit(tx, { did, rkey, rev, record }, now))
}

type Admitted = Pick<GuardedChange, 'did' | 'rkey' | 'rev' | 'record'>

async function admit(tx: Sql, change: Admitted, now: Date): Promise<void> {
  const { did: authority, rkey: subject, rev, record } = change
  const { rows } = await tx.query<{ role: string; status: string }>(
    'select role, status from repo.admission where authority = $1 and subject = $2 for update',
    [authority, subject],
  )
  const [before] = rows
  const role = record && typeof record.role === 'string' ? record.role : undefined
  const status = typeof record?.status === 'string' ? record.status : 'active'
  if (role === undefined) {
    await tx.query('delete from repo.admission where authority = $1 and subject = $2', [
      authority,
      subject,
    ])
  } else {
    await tx.query(
      `insert into repo.admission (authority, subject, role, status, rev)
       values ($1, $2, $3, $4, $5) on conflict (authority, subject) do update
         set role = excluded.role, status = excluded.status, rev = excluded.rev`,
      [authority, subject, role, status, rev],
    )
  }
  const same = before && before.role === role && before.status === status
  if (before && !same) await revoke(tx, { authority, did: subject }, now)
}
