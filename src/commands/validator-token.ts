import { co } from '../lexicons/index.ts'
import type { AccountSession } from './account-session.ts'

/** A token by which a validator knows who governs, for one request to close an epoch. */
export async function validatorToken(session: AccountSession, validator: string): Promise<string> {
  const asked = { aud: validator, lxm: co.kendev.tokens.closeEpoch.$nsid }
  const made = await session.get<{ token: string }>('com.atproto.server.getServiceAuth', asked)
  return made.token
}
