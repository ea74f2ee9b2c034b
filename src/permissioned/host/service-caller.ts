import { unauthorized } from './answers.ts'
import type { Exchange } from './mount.ts'
import type { HostPorts, ServiceCaller } from '../ports.ts'

/** Finds out which account or service calls by its service token, addressed to one of `audience`.
 *  Throws 401 by the token's fault. */
export function serviceCaller(
  ports: Pick<HostPorts, 'service'>,
  nsid: string,
  audience: (aud: string) => boolean,
): (exchange: Exchange) => Promise<ServiceCaller> {
  return async ({ req }) => {
    const token = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? '')?.[1]
    if (token === undefined) throw unauthorized('AuthMissing')
    return ports.service(token, nsid, audience)
  }
}
