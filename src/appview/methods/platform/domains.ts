import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import type { Describing } from '../../describe-domains.ts'
import { byOf, changeDomains, requireManager } from '../../domain-change.ts'
import {
  DOMAIN_TYPES,
  type Domain,
  domainName,
  domainView,
  noteDomain,
  proofEnds,
  requireDomain,
  taken,
} from '../../domains.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import type { ProveDomain } from '../../prove-domain.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import type { Tenant } from '../../tenants.ts'

type Deps = Describing & {
  readonly handleDomain: string
  readonly proveDomain: ProveDomain
}

/** `platform.addDomain`, `verifyDomain` and `listDomains`, for those who manage the settings of a
 *  tenant. Nothing reaches it by a domain it has not proven. */
export function domains(mount: Mount, deps: Deps): void {
  const { sql, clock } = deps
  const { platform } = co.kendev

  procedure(mount, platform.addDomain, async ({ input, viewer }) => {
    const seen = await requireManager(sql, input.tenant, viewer.did)
    const domain = domainName(input.domain)
    const own = ownDomain(deps, seen.tenant, domain)
    const type = input.type ?? (own ? 'subdomain' : 'custom')
    if (!DOMAIN_TYPES.includes(type)) throw unsupported(`A domain is ${DOMAIN_TYPES.join(', ')}.`)
    if (!own && (type === 'subdomain' || isNodes(deps, domain)))
      throw unsupported(
        `On this node a tenant has the names below ${seen.tenant.subdomain}${deps.handleDomain}.`,
      )
    const now = clock.now()
    const wish = { tenant: seen.tenant, domain, type, verifiedAt: own ? now : null, now }
    await changeDomains(deps, seen, {
      by: byOf(viewer.did, seen, platform.addDomain.$lxm),
      apply: (tx) => noteDomain(tx, wish),
      publishes: own,
    })
    return domainView(await requireDomain(sql, seen.tenant, domain)) as never
  })

  procedure(mount, platform.verifyDomain, async ({ input, viewer }) => {
    const seen = await requireManager(sql, input.tenant, viewer.did)
    const known = await requireDomain(sql, seen.tenant, domainName(input.domain))
    if (known.verifiedAt !== null) return domainView(known) as never
    await requireProof(deps, known)
    await changeDomains(deps, seen, {
      by: byOf(viewer.did, seen, platform.verifyDomain.$lxm),
      apply: async (tx) => {
        // In turn: of two who prove it at one time the second finds the first.
        await tx.query('select pg_advisory_xact_lock(hashtext($1))', [`domain ${known.domain}`])
        await ousted(deps, tx, known)
        await tx.query(
          'update node.domain set "verifiedAt" = $3 where tenant = $1 and domain = $2',
          [known.tenant, known.domain, clock.now()],
        )
      },
      publishes: true,
    })
    return domainView(await requireDomain(sql, seen.tenant, known.domain)) as never
  })

  query(mount, platform.listDomains, async ({ params, viewer }) => {
    const { did } = required(viewer)
    const { tenant } = await requireManager(sql, params.tenant, did, { reads: true })
    const { limit, cursor } = params
    const [at = null, name = null] = startOf(cursor)
    const { rows } = await sql.query<Domain & { id: string }>(LIST, [
      tenant.id,
      limit + 1,
      at,
      name,
    ])
    const { page, next } = pageOf(rows, limit)
    return { items: page.map(domainView), ...next } as never
  })
}

const LIST = `select *, domain as id from node.domain where tenant = $1
    and ($3::timestamptz is null or ("createdAt", domain) < ($3, $4))
  order by "createdAt" desc, domain desc limit $2`

/** Whether it is a name below the tenant's own on this node. */
function ownDomain({ handleDomain }: Deps, { subdomain }: Tenant, domain: string): boolean {
  const own = `${subdomain}${handleDomain}`
  return domain === own || domain.endsWith(`.${own}`)
}

function isNodes({ handleDomain }: Deps, domain: string): boolean {
  return domain.endsWith(handleDomain) || `.${domain}` === handleDomain
}

async function requireProof({ proveDomain, clock }: Deps, known: Domain): Promise<void> {
  if (clock.now() > proofEnds(known))
    throw new InvalidRequestError(
      'The time for this proof is over. Name the domain again for a new one.',
      'DomainNotProven',
    )
  const proof = await proveDomain(known)
  if (proof.holds) return
  throw new InvalidRequestError(
    `The proof was not found: ${proof.found}. What was changed in DNS can take a while.`,
    'DomainNotProven',
  )
}

/** A domain that has changed hands is not held by whom it left: their proof is looked at again. */
async function ousted({ proveDomain }: Deps, tx: Sql, { domain, tenant }: Domain): Promise<void> {
  const { rows } = await tx.query<Domain>(
    `select * from node.domain where domain = $1 and tenant <> $2 and "verifiedAt" is not null
     for update`,
    [domain, tenant],
  )
  const [other] = rows
  if (!other) return
  if (other.isPrimary || (await proveDomain(other)).holds) throw taken(domain)
  await tx.query('delete from node.domain where domain = $1 and tenant = $2', [
    domain,
    other.tenant,
  ])
}

function unsupported(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'NotSupported')
}
