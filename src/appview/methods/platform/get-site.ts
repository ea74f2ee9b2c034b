import { co } from '../../../lexicons/index.ts'
import { tenant as tenantRecord } from '../../collections/platform/tenant.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { hostName, siteAt } from '../../sites.ts'

/** `platform.getSite`: the tenant that the name a request came to belongs to, or another name. */
export function getSite(mount: Mount, deps: Reading): void {
  query(mount, co.kendev.platform.getSite, async ({ params, viewer, host }) => {
    const domain = hostName(params.domain ?? host)
    const site = await siteAt(deps.sql, domain)
    if (!site) throw notFound(`site at ${domain}`)
    const { rows } = await deps.sql.query<Row>(
      `select * from appview.tenant where did = $1 and rkey = 'self'`,
      [site.tenant],
    )
    const [tenant] = await present(tenantRecord, rows, { ...deps, viewer: viewer?.did })
    if (!tenant) throw notFound(`site at ${domain}`)
    const { primaryDomain, notice } = site
    return { domain, primaryDomain, tenant, ...(notice !== undefined && { notice }) } as never
  })
}
