import { ForbiddenError } from '@atproto/xrpc-server'
import type { Sql } from './sql.ts'

/** What somebody may do on this node, by the word of the node's own account; undefined without. */
export async function nodeRoleOf(
  sql: Sql,
  node: string,
  subject: string,
): Promise<string | undefined> {
  const { rows } = await sql.query<{ role: string }>(ROLE, [node, subject])
  return rows[0]?.role
}

const ROLE = {
  name: 'node-role',
  text: 'select role from appview."nodeRole" where did = $1 and subject = $2',
}

/** What each of these people may do on this node; those without a role are left out. */
export async function rolesOf(
  sql: Sql,
  node: string,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql.query<{ subject: string; role: string }>(ROLES, [node, subjects])
  return new Map(rows.map(({ subject, role }) => [subject, [role]]))
}

const ROLES = {
  name: 'node-roles',
  text: 'select subject, role from appview."nodeRole" where did = $1 and subject = any($2)',
}

/** Throws `Forbidden` unless the person is a super admin of this node (`domain.md` AC-03). */
export async function requireSuperAdmin(sql: Sql, node: string, did: string): Promise<void> {
  if ((await nodeRoleOf(sql, node, did)) === 'super_admin') return
  throw new ForbiddenError('Only super admins of this node can do this.', 'Forbidden')
}
