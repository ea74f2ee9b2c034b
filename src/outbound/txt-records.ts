import { Resolver } from 'node:dns/promises'

/** The TXT records of a name, each put together from its parts; none when there is no such name.
 *  Throws when that cannot be found out now. */
export type TxtRecords = (name: string) => Promise<string[]>

const TIMEOUT_MS = 3_000
const TRIES = 2
/** DNS says so when there is no such name, or no such record of it (RFC 2308). */
const NOTHING = ['ENOTFOUND', 'ENODATA']

/** Makes the lookup, with the DNS servers given (`address` or `address:port`) or the system's. */
export function createTxtRecords(options: { servers: readonly string[] }): TxtRecords {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (options.servers.length > 0) resolver.setServers([...options.servers])
  return async (name) => {
    try {
      return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
    } catch (error) {
      if (NOTHING.includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }
}
