import { forbidden, unauthorized } from './answers.ts'
import type { GrantAction, SpaceGrants } from '../store/grants.ts'
import type { Exchange } from './mount.ts'
import type { HostPorts } from '../ports.ts'
import type { SpaceRef } from '../space-ref.ts'

/** An account of this node, with its full session or through an OAuth client that it has given
 *  leave to act in spaces. */
export type OwnCaller = {
  readonly kind: 'own'
  readonly did: string
  /** Throws 403 `SpaceGrantMissing` for an OAuth client without leave for this. */
  may(action: GrantAction, ref: Omit<SpaceRef, 'skey'>): Promise<void>
  /** Whether everything of the account may be seen, or only what grants name. */
  readonly full: boolean
}

/** Finds out which account of this node calls. App passwords are refused, as the protocol has it:
 *  whoever was lent one was not shown that it opens what is not public. */
export function ownCaller(
  ports: Pick<HostPorts, 'session'>,
  grants: SpaceGrants,
): (exchange: Exchange) => Promise<OwnCaller> {
  return async ({ req, res }) => {
    if (req.headers.authorization === undefined) throw unauthorized('AuthMissing')
    const { did, kind } = await ports.session(req, res)
    if (kind === 'appPassword') throw forbidden('AppPasswordRefused')
    const full = kind === 'session'
    const may: OwnCaller['may'] = async (action, ref) => {
      if (!full && !(await grants.covers(did, ref, action))) throw forbidden('SpaceGrantMissing')
    }
    return { kind: 'own', did, full, may }
  }
}
