import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { type ChainedEvent, readAudit, verifyAudit } from '../../audit.ts'
import { type Mount, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantPermission } from '../../tenant-access.ts'

/** `platform.listAuditEvents` and `verifyAudit`, for those who manage a tenant's settings. */
export function audit(mount: Mount, { sql }: { readonly sql: Sql }): void {
  const chainFor = async (tenant: string, did: string) => {
    const asks = { tenant, did, permission: 'manage_settings', reads: true } as const
    return (await requireTenantPermission(sql, asks)).tenant.did
  }

  query(mount, co.kendev.platform.listAuditEvents, async ({ params, viewer }) => {
    const { limit, cursor } = params
    const chain = await chainFor(params.tenant, required(viewer).did)
    const before = cursor === undefined ? undefined : placeInChain(cursor)
    const found = await readAudit(sql, { chain, limit: limit + 1, before })
    const page = found.slice(0, limit)
    const more = found.length > limit && { cursor: `${page.at(-1)!.seq}` }
    return { items: page.map(view), ...more } as never
  })

  query(mount, co.kendev.platform.verifyAudit, async ({ params, viewer }) => {
    const chain = await chainFor(params.tenant, required(viewer).did)
    const { events, brokenAt } = await verifyAudit(sql, chain)
    return { events, holds: brokenAt === undefined, ...(brokenAt && { brokenAt }) }
  })
}

function placeInChain(cursor: string): number {
  if (/^[1-9]\d{0,15}$/.test(cursor)) return Number(cursor)
  throw new InvalidRequestError('Start again without a cursor.', 'InvalidCursor')
}

function view({ seq, hash, at, actor, role, action, subject, ...event }: ChainedEvent) {
  const { before, after, reason } = event
  return {
    seq,
    at: at.toISOString(),
    actor,
    role,
    action,
    subject,
    before,
    after,
    reason,
    hash: hash.toString('hex'),
  }
}
