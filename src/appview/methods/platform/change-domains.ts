import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Describing } from '../../describe-domains.ts'
import { byOf, changeDomains, requireManager } from '../../domain-change.ts'
import { type Domain, domainName, domainView, requireDomain } from '../../domains.ts'
import { type Mount, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

type Deps = Describing & {
  readonly handleDomain: string
  readonly didOf: (handle: string) => Promise<string | undefined>
}

/** `platform.updateDomain` and `removeDomain`. A tenant has one primary domain at any time, and
 *  keeps its name on this node. */
export function changeDomainsOf(mount: Mount, deps: Deps): void {
  const { sql } = deps
  const { platform } = co.kendev

  procedure(mount, platform.updateDomain, async ({ input, viewer }) => {
    const seen = await requireManager(sql, input.tenant, viewer.did)
    const known = await requireDomain(sql, seen.tenant, domainName(input.domain))
    const { isPrimary = known.isPrimary, isActive = known.isActive } = input
    if (known.verifiedAt === null)
      throw new InvalidRequestError('Prove it first, with verifyDomain.', 'DomainNotProven')
    if (isPrimary && !isActive) throw unsupported('The primary domain cannot rest.')
    if (known.isPrimary && !isPrimary) throw unsupported('Make another domain the primary one.')
    if (isPrimary) await requireFreeHandle(deps, known.domain, seen.tenant.did)
    await changeDomains(deps, seen, {
      by: byOf(viewer.did, seen, platform.updateDomain.$lxm),
      apply: (tx) => updateRow(tx, known, { isPrimary, isActive }),
      publishes: true,
    })
    return domainView(await requireDomain(sql, seen.tenant, known.domain)) as never
  })

  procedure(mount, platform.removeDomain, async ({ input, viewer }) => {
    const seen = await requireManager(sql, input.tenant, viewer.did)
    const known = await requireDomain(sql, seen.tenant, domainName(input.domain))
    if (known.isPrimary) throw unsupported('Make another domain the primary one first.')
    if (known.domain === `${seen.tenant.subdomain}${deps.handleDomain}`)
      throw unsupported('A tenant keeps its own name on this node.')
    await changeDomains(deps, seen, {
      by: byOf(viewer.did, seen, platform.removeDomain.$lxm),
      apply: async (tx) => {
        await tx.query('delete from node.domain where tenant = $1 and domain = $2', [
          known.tenant,
          known.domain,
        ])
      },
      publishes: known.verifiedAt !== null,
    })
    return { domain: known.domain } as never
  })
}

async function requireFreeHandle({ didOf }: Deps, handle: string, tenant: string): Promise<void> {
  const holder = await didOf(handle)
  if (holder === undefined || holder === tenant) return
  throw new InvalidRequestError(`${handle} is the handle of another account.`, 'HandleNotAvailable')
}

async function updateRow(
  tx: Sql,
  { tenant, domain }: Domain,
  { isPrimary, isActive }: { isPrimary: boolean; isActive: boolean },
): Promise<void> {
  // In turn, so that there is one primary domain whoever else makes another one at this time.
  await tx.query('select 1 from node.tenant where id = $1 for update', [tenant])
  if (isPrimary)
    await tx.query('update node.domain set "isPrimary" = false where tenant = $1', [tenant])
  await tx.query(
    'update node.domain set "isPrimary" = $3, "isActive" = $4 where tenant = $1 and domain = $2',
    [tenant, domain, isPrimary, isActive],
  )
}

function unsupported(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'NotSupported')
}
