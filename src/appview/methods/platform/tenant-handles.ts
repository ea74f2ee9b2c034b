import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { appendAudit } from '../../audit.ts'
import type { Describing } from '../../describe-domains.ts'
import { domainName, domainsOf } from '../../domains.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, procedure } from '../../serve.ts'
import { type Seen, requireOpen, requireTenantMember, tenantAllows } from '../../tenant-access.ts'

type Deps = Describing & {
  readonly handleDomain: string
  readonly isHosted: (did: string) => Promise<boolean>
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/

/** `platform.setTenantHandle`: people of a tenant whose accounts are on this node bear names under
 *  its domain. Who has left can be given back a name of the node's own. */
export function setTenantHandle(mount: Mount, deps: Deps): void {
  const { sql, outbox, clock } = deps

  procedure(mount, co.kendev.platform.setTenantHandle, async ({ input, viewer }) => {
    const { account = viewer.did, name } = input
    const seen = await requireTenantMember(sql, { tenant: input.tenant, did: viewer.did })
    requireOpen(seen.tenant)
    if (account !== viewer.did && !tenantAllows(seen.standing, 'manage_users'))
      throw new ForbiddenError('Handles of others are for those who manage people.', 'Forbidden')
    if (account === viewer.did && !viewer.full)
      throw new ForbiddenError('Sign in with the password of your account to do this.', 'Forbidden')
    const handle = await wanted(deps, seen, account, name)
    await outbox.transact(async (tx) => {
      await appendAudit(tx, {
        chain: seen.tenant.did,
        actor: viewer.did,
        role: seen.standing.role,
        action: co.kendev.platform.setTenantHandle.$lxm,
        subject: account,
        at: clock.now(),
      })
      await deps.setHandle(account, handle)
    })
    return { did: account, handle } as never
  })
}

async function wanted(
  deps: Deps,
  { tenant }: Seen,
  account: string,
  name: string | undefined,
): Promise<string> {
  const domains = await domainsOf(deps.sql, tenant)
  if (name === undefined) return back(deps, account, domains)
  const { rowCount } = await deps.sql.query(
    `select 1 from repo.admission where authority = $1 and subject = $2 and status = 'active'`,
    [tenant.did, account],
  )
  if (rowCount === 0) throw notFound(`${account} among the people of this tenant`)
  if (!(await deps.isHosted(account)))
    throw new InvalidRequestError(
      'The account is not on this node: its own host gives it handles.',
      'NotSupported',
    )
  if (!LABEL.test(name))
    throw new InvalidRequestError(
      'A name has 3 to 63 characters of a-z, 0-9 and inner hyphens.',
      'InvalidHandle',
    )
  return domainName(`${name}.${domains[0]!.domain}`)
}

/** A handle of the node's own that nobody else has: the name it had, and the end of the DID. */
async function back(
  { handleOf, handleDomain }: Deps,
  account: string,
  domains: readonly { domain: string }[],
): Promise<string> {
  const handle = await handleOf(account)
  if (handle === undefined || !domains.some(({ domain }) => handle.endsWith(`.${domain}`)))
    throw notFound(`${account} among those with a handle of this tenant`)
  const [first = 'account'] = handle.split('.')
  return `${first.slice(0, 40).replace(/-+$/, '')}-${account.slice(-8)}${handleDomain}`
}
