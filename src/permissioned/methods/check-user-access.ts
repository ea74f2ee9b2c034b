import type { Server } from '@atproto/xrpc-server'
import type { Access, Admission } from '../access.ts'
import { refused, unauthorized } from '../answers.ts'
import { managingApp } from '../access.ts'
import { isAudience } from '../hosted-spaces.ts'
import { route, spaceOf } from '../mount.ts'
import type { HostPorts } from '../ports.ts'
import { serviceCaller } from '../service-caller.ts'
import { nsid } from '../wire.ts'

type Deps = Pick<HostPorts, 'service' | 'serviceDid'> & { admission: Admission }

/** `checkUserAccess`: this node is the managing app of the audiences of its communities, and says
 *  who belongs to them by their roles, to the authority that asks. */
export function checkUserAccess(server: Server, deps: Deps): void {
  const here = [deps.serviceDid, managingApp(deps.serviceDid)]
  route(server, nsid.checkUserAccess, {
    caller: serviceCaller(deps, nsid.checkUserAccess, (aud) => here.includes(aud)),
    answer: async ({ input, caller }) => {
      const space = spaceOf(input['space'])
      if (caller.did !== space.authority) throw unauthorized('BadJwtIssuer')
      if (!isAudience(space)) throw refused('SpaceNotFound')
      const { user, access } = input as { user: string; access: string }
      const known = access === 'read' || access === 'write'
      const authorized = known && (await deps.admission.allowed(space.uri, user, access as Access))
      return { authorized }
    },
  })
}
