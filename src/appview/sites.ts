import type { Sql } from './sql.ts'

/** What a domain of this node leads to. */
export type Site = {
  readonly domain: string
  readonly primaryDomain: string
  readonly tenant: string
  readonly name: string
  readonly description: string | undefined
  /** What to tell visitors while nothing else is to be shown (`domain.md` AC-17). */
  readonly notice: string | undefined
}

/** The name in a `host` header: lower case, without its port. */
export function hostName(header: string | undefined): string {
  return (header ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}

/** The tenant that has proven the domain and lets it reach it; undefined for every other name, and
 *  for what is not set up yet or put away. */
export async function siteAt(sql: Sql, domain: string): Promise<Site | undefined> {
  const { rows } = await sql.query<Found>(SITE, [domain])
  const [found] = rows
  if (!found) return undefined
  const { status, description, ...site } = found
  const open = status === 'active' || status === 'trial'
  return {
    ...site,
    domain,
    description: description ?? undefined,
    notice: open ? undefined : `${site.name} is not available at the moment.`,
  }
}

type Found = Omit<Site, 'domain' | 'notice' | 'description'> & {
  status: string
  description: string | null
}

const SITE = {
  name: 'site',
  text: `select t.did as tenant, t.status, p.domain as "primaryDomain",
      coalesce(v.name, t.name) as name, v.content->>'description' as description
    from node.domain d
    join node.tenant t on t.id = d.tenant and t."isProvisioned"
    join node.domain p on p.tenant = t.id and p."isPrimary"
    left join appview.tenant v on v.did = t.did and v.rkey = 'self'
    where d.domain = $1 and d."verifiedAt" is not null and d."isActive"
      and t.status in ('active', 'trial', 'suspended')`,
}
