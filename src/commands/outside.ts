import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { type IdentityResolver, createIdentityResolver } from '../identity/resolver.ts'
import type { Log } from '../log.ts'
import { type Outbound, createOutbound } from '../outbound/fetch.ts'

/** What a command needs of the world outside its process. */
export type Outside = { readonly outbound: Outbound; readonly resolver: IdentityResolver }

/** Looks accounts up where the node does; in development that is the directory of the node that
 *  runs on this machine. */
export function lookOutside(config: Config, log: Log): Outside {
  const { development } = config
  const local = `http://localhost:${config.ANGELOS_PLC_PORT}`
  const plcUrl = config.ANGELOS_PLC_URL ?? (development ? local : 'https://plc.directory')
  const outbound = createOutbound({ development })
  const resolver = createIdentityResolver({
    plcUrl,
    development,
    clock: systemClock,
    log,
    outbound,
  })
  return { outbound, resolver }
}
