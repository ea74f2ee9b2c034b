import type { Server } from '@atproto/xrpc-server'
import { managingApps } from '../access.ts'
import type { Admission } from '../../store/admission.ts'
import { refused, unauthorized } from '../answers.ts'
import { audienceOf } from '../../audience.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { route, spaceOf } from '../mount.ts'
import type { HostPorts } from '../../ports.ts'
import { serviceCaller } from '../service-caller.ts'
import { nsid } from '../../wire.ts'

type Deps = Pick<HostPorts, 'service' | 'serviceDid'> & {
  admission: Admission
  spaces: HostedSpaces
}

/** `checkUserAccess`: this node is the managing app of the audiences of its communities, and says
 *  who belongs to them by their roles, to the authority that asks. */
export function checkUserAccess(server: Server, deps: Deps): void {
  const here = managingApps(deps.serviceDid)
  route(server, nsid.checkUserAccess, {
    caller: serviceCaller(deps, nsid.checkUserAccess, (aud) => here.includes(aud)),
    answer: async ({ input, caller }) => {
      const space = spaceOf(input['space'])
      if (caller.did !== space.authority) throw unauthorized('BadJwtIssuer')
      if (!audienceOf(space)) throw refused('SpaceNotFound')
      await deps.spaces.require(space)
      const { user, access } = input as { user: string; access: string }
      if (access !== 'read' && access !== 'write') return { authorized: false }
      return { authorized: (await deps.admission.allowed(space.uri, user, access)) === true }
    },
  })
}
