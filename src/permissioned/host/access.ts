import type { Admission } from '../store/admission.ts'
import { callService } from './call-service.ts'
import type { HostedSpace } from './hosted-spaces.ts'
import type { HostPorts } from '../ports.ts'
import { nsid } from '../wire.ts'

/** What an account may ask a space for: to read it, or to have its writes tracked there. */
export type Access = 'read' | 'write'

/** Whether it may; `unknown` while the one who decides cannot be asked. */
export type Verdict = 'yes' | 'no' | 'unknown'

/** Says whether an account may have what it asks a hosted space for. */
export type Decide = (space: HostedSpace, user: string, access: Access) => Promise<Verdict>

type Ports = Pick<HostPorts, 'serviceDid' | 'resolver' | 'outbound' | 'accounts' | 'timers'>

/** Decides by roles, lists and policies. Another's managing app is asked over the network, and
 *  while it cannot be, nobody is admitted. */
export function createDecide(admission: Admission, ports: Ports): Decide {
  const here = managingApps(ports.serviceDid)
  return async (space, user, access) => {
    const said = await admission.allowed(space.space, user, access)
    if (typeof said === 'boolean') return said ? 'yes' : 'no'
    // Of spaces that are no audience of its own this node knows nothing.
    if (here.includes(said.managingApp)) return 'no'
    const outcome = await callService(ports, {
      iss: space.authority,
      aud: said.managingApp,
      lxm: nsid.checkUserAccess,
      params: { space: space.space, user, access },
    })
    if (outcome.kind !== 'done') return 'unknown'
    const body = outcome.body as { authorized?: unknown } | null | undefined
    return body?.authorized === true ? 'yes' : 'no'
  }
}

/** What this node may be named as where it is to decide about a space. */
export function managingApps(serviceDid: string): readonly string[] {
  return [serviceDid, `${serviceDid}#angelos_appview`]
}
