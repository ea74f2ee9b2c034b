import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import type { Acting } from '../../act.ts'
import { admitMember, standingOf } from '../../admit-member.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import { membershipView } from './tenant-members.ts'

type Deps = Reading &
  Acting & {
    readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
  }

/** `platform.joinTenant`: as the settings of the tenant have it. Whoever was put out, or is
 *  suspended, does not come back by themselves. */
export function joinTenant(mount: Mount, deps: Deps): void {
  const { sql, emailOf } = deps

  procedure(mount, co.kendev.platform.joinTenant, async ({ input, viewer }) => {
    const { did } = viewer
    const tenant = await requireTenant(sql, input.tenant)
    requireOpen(tenant)
    const before = await standingOf(sql, tenant.did, did)
    if (before?.status !== 'active') {
      const rules = await signUpRules(sql, tenant.did)
      if (!rules.allowPublicSignup || before !== undefined) throw closed()
      if (rules.requireEmailVerification) await requireConfirmed(emailOf, did)
      await admitMember(deps, {
        tenant,
        did,
        about: { role: 'tenant_member' },
        by: { actor: did, action: co.kendev.platform.joinTenant.$lxm },
      })
    }
    return (await membershipView(deps, tenant.did, did)) as never
  })
}

type Rules = { allowPublicSignup?: boolean; requireEmailVerification?: boolean }

async function signUpRules(sql: Sql, tenant: string): Promise<Rules> {
  const { rows } = await sql.query<{ content: Rules }>(
    'select content from appview."tenantSettings" where did = $1',
    [tenant],
  )
  return rows[0]?.content ?? {}
}

/** Of somebody hosted elsewhere nobody here has confirmed an address. */
async function requireConfirmed(emailOf: Deps['emailOf'], did: string): Promise<void> {
  if ((await emailOf(did))?.confirmed) return
  throw new ForbiddenError(
    'Confirm the e-mail address of your account on this node first, or ask for an invitation.',
    'EmailNotVerified',
  )
}

function closed(): ForbiddenError {
  return new ForbiddenError('This tenant admits people by invitation.', 'SignupClosed')
}
