import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { type Acting, type RecordAt, act } from '../../act.ts'
import { tenantSettings } from '../../collections/platform/tenant-settings.ts'
import { tenant as tenantRecord } from '../../collections/platform/tenant.ts'
import type { Collection, Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { requireFeatureOf, requireTenantPermission } from '../../tenant-access.ts'

type Deps = Reading & Acting

/** `platform.updateTenant` and `putTenantSettings`, for those who manage its settings. */
export function updateTenant(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps
  const permission = 'manage_settings'

  procedure(mount, co.kendev.platform.updateTenant, async ({ input, viewer }) => {
    const { tenant: did, ...change } = input
    const { standing, tenant } = await requireTenantPermission(sql, {
      tenant: did,
      did: viewer.did,
      permission,
    })
    if (change.branding) requireFeatureOf(tenant, 'branding')
    const row = await requireOne(deps, tenantRecord, did)
    const before = row['content'] as Record<string, unknown>
    const updatedAt = clock.now().toISOString()
    const by = { actor: viewer.did, role: standing.role }
    await act(deps, {
      at: { did, collection: tenantRecord.nsid, rkey: 'self', place: '' },
      record: { ...before, ...change, $type: tenantRecord.nsid, updatedAt },
      swap: row.cid,
      by: { ...by, action: co.kendev.platform.updateTenant.$lxm },
    })
    return (await shown(deps, tenantRecord, did)) as never
  })

  procedure(mount, co.kendev.platform.putTenantSettings, async ({ input, viewer }) => {
    const { tenant: did, settings, reason } = input
    const { standing } = await requireTenantPermission(sql, {
      tenant: did,
      did: viewer.did,
      permission,
    })
    const place = audienceUri(did, 'managers', TENANT_SPACE)
    const at: RecordAt = { did, collection: tenantSettings.nsid, rkey: 'self', place }
    const updatedAt = clock.now().toISOString()
    await act(deps, {
      at,
      record: { ...settings, $type: tenantSettings.nsid, updatedAt },
      by: {
        actor: viewer.did,
        role: standing.role,
        action: co.kendev.platform.putTenantSettings.$lxm,
        ...(reason !== undefined && { reason }),
      },
    })
    return (await shown(deps, tenantSettings, did)) as never
  })
}

async function requireOne({ sql }: Deps, c: Collection, did: string): Promise<Row> {
  const { rows } = await sql.query<Row>(`select * from appview."${c.table}" where uri = $1`, [
    recordUri(did, c.nsid, 'self'),
  ])
  if (rows[0]) return rows[0]
  throw notFound(`tenant ${did}`)
}

async function shown(deps: Deps, c: Collection, did: string): Promise<object | undefined> {
  return (await present(c, [await requireOne(deps, c, did)], deps))[0]
}
