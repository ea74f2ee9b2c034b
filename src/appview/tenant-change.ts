import { InvalidRequestError } from '@atproto/xrpc-server'
import type { AuditEvent } from './audit.ts'
import type { Sql } from './sql.ts'
import type { Tenant } from './tenants.ts'

/** A tenant with its account. */
export type Hosted = Tenant & { readonly did: string }

/** What an audit event of a change of a tenant itself says of it. */
export function eventOf({ did }: Hosted, actor: string, reason: string | undefined) {
  const event = { chain: did, subject: did, actor, role: 'super_admin' }
  return { ...event, ...(reason !== undefined && { reason }) } satisfies Partial<AuditEvent>
}

/** Changes one thing of a tenant by compare and swap: of two who do at one time the second is told
 *  `InvalidTransition`. */
export async function changeTenant(
  tx: Sql,
  tenant: Hosted,
  { set, to }: { set: 'status' | 'owner'; to: string },
): Promise<void> {
  const { rowCount } = await tx.query(
    `update node.tenant set "${set}" = $2 where did = $1 and "${set}" = $3`,
    [tenant.did, to, tenant[set]],
  )
  if (rowCount === 1) return
  throw new InvalidRequestError('It has changed meanwhile. Read it again.', 'InvalidTransition')
}
