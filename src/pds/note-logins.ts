import type { PDS } from '@atproto/pds'

/** Says of every account that signs in with its password, to a session or to an OAuth client. What
 *  fails in noting it does not keep anybody out. */
export function noteLogins(pds: PDS, note: (did: string) => Promise<void>): void {
  const { accountManager } = pds.ctx
  const login = accountManager.login.bind(accountManager)
  accountManager.login = async (credentials) => {
    const found = await login(credentials)
    if (found.appPassword === null) await note(found.user.did).catch(() => undefined)
    return found
  }
}
