import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { readKarma } from '../../karma/read-karma.ts'
import { lastLogin } from '../../logins.ts'
import { rolesOf } from '../../node-roles.ts'
import { type Mount, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

type Deps = {
  readonly sql: Sql
  readonly nodeAccount: () => Promise<string>
  readonly emailOf: (did: string) => Promise<{ address: string; confirmed: boolean } | undefined>
  readonly handleOf: (did: string) => Promise<string | undefined>
}

const GUARDIAN_ANGEL = 'guardian_angel'

/** `actor.getAccount`: what this node knows of the caller's own account and tells nobody else. */
export function getAccount(mount: Mount, deps: Deps): void {
  const { sql, nodeAccount, emailOf, handleOf } = deps

  query(mount, co.kendev.actor.getAccount, async ({ viewer }) => {
    const { did } = required(viewer)
    const [email, handle, roles, karma, login, tenants] = await Promise.all([
      emailOf(did),
      handleOf(did),
      rolesOf(sql, await nodeAccount(), [did]),
      readKarma(sql, [did], did),
      lastLogin(sql, did),
      sql.query(TENANTS, [did]),
    ])
    const isAngel = karma.get(did)?.guardianAngel === true
    return {
      did,
      ...(handle !== undefined && { handle }),
      ...(email && { email: email.address, verified: email.confirmed }),
      roles: [...(roles.get(did) ?? []), ...(isAngel ? [GUARDIAN_ANGEL] : [])],
      tenants: tenants.rows,
      ...(login && { lastLoginAt: login.toISOString() }),
    } as never
  })
}

const TENANTS = `select t.did as tenant, t.name, a.role, a.status, t.owner = a.subject as "isOwner"
  from repo.admission a join node.tenant t on t.did = a.authority and t."isProvisioned"
  where a.subject = $1 and a.status in ('active', 'suspended')
  order by a.rev desc limit 1000`
