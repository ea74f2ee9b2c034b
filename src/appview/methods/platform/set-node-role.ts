import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { nodeRole } from '../../collections/platform/node-role.ts'
import type { Mount } from '../../serve.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & Acting & { readonly clock: Clock }

/** `platform.setNodeRole`: roles on the node are records of its own account. */
export function setNodeRole(mount: Mount, deps: Deps): void {
  superAdmin(mount, deps, co.kendev.platform.setNodeRole, async ({ input, admin }) => {
    const { subject, role, reason } = input
    const node = await deps.nodeAccount()
    const createdAt = deps.clock.now().toISOString()
    await act(deps, {
      at: { did: node, collection: nodeRole.nsid, rkey: subject, place: '' },
      record: role === undefined ? undefined : { $type: nodeRole.nsid, subject, role, createdAt },
      by: {
        actor: admin.did,
        action: co.kendev.platform.setNodeRole.$lxm,
        ...(reason !== undefined && { reason }),
      },
    })
    return { subject, ...(role !== undefined && { role }) }
  })
}
