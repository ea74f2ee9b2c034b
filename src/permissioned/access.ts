import type { Sql } from '../database/sql.ts'
import { callService } from './call-service.ts'
import type { HostedSpace } from './hosted-spaces.ts'
import type { Policy } from './policy.ts'
import type { HostPorts } from './ports.ts'
import { nsid, policyType } from './wire.ts'

/** What an account may ask a space for: to read it, or to have its writes tracked there. */
export type Access = 'read' | 'write'

/** Whether it may; `unknown` while the one who decides cannot be asked. */
export type Verdict = 'yes' | 'no' | 'unknown'

/** Who is admitted to the audiences of our communities, by their roles. */
export type Admission = {
  allowed(space: string, did: string, access: Access): Promise<boolean>
}

/** Says whether an account may have what it asks a hosted space for. */
export type Decide = (space: HostedSpace, user: string, access: Access) => Promise<Verdict>

/** Decides by the space's policies. Another's managing app is asked over the network and decides
 *  nothing while it cannot be; this node's own is asked in process. */
export function createDecide(
  sql: Sql,
  admission: Admission,
  ports: Pick<HostPorts, 'serviceDid' | 'resolver' | 'outbound' | 'accounts' | 'timers'>,
): Decide {
  const here = [ports.serviceDid, managingApp(ports.serviceDid)]
  return async (space, user, access) => {
    const policy = access === 'read' ? space.readPolicy : space.writePolicy
    if (user === space.authority) return 'yes'
    if (policy.$type === policyType.public) return 'yes'
    if (policy.$type === policyType.memberList)
      return (await isMember(sql, { space: space.space, user, access })) ? 'yes' : 'no'
    if (policy.managingApp !== undefined && here.includes(policy.managingApp))
      return (await admission.allowed(space.space, user, access)) ? 'yes' : 'no'
    return askManagingApp(ports, { space, policy, user, access })
  }
}

/** The service that decides about the audiences of our communities: this node. */
export function managingApp(serviceDid: string): string {
  return `${serviceDid}#angelos_appview`
}

async function isMember(
  sql: Sql,
  { space, user, access }: { space: string; user: string; access: Access },
): Promise<boolean> {
  const { rows } = await sql.query<{ read: boolean; write: boolean }>(
    'select read, write from repo.member where space = $1 and did = $2',
    [space, user],
  )
  return rows[0]?.[access] === true
}

async function askManagingApp(
  ports: Parameters<typeof createDecide>[2],
  about: { space: HostedSpace; policy: Policy; user: string; access: Access },
): Promise<Verdict> {
  const { space, policy, user, access } = about
  const { kind, ...answer } = await callService(ports, {
    iss: space.authority,
    aud: policy.managingApp ?? '',
    lxm: nsid.checkUserAccess,
    params: { space: space.space, user, access },
  })
  if (kind !== 'done') return 'unknown'
  const { body } = answer as { body: { authorized?: unknown } | null | undefined }
  return body?.authorized === true ? 'yes' : 'no'
}
