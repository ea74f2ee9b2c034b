import { type PDS } from '@atproto/pds'
import { type DidString, isValidDid } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'

/**
 * Answers that the account is hosted here and may be written to; otherwise throws XRPC
 * `AccountNotFound`, `AccountTakedown` or `AccountDeactivated` (400: it is not the caller's own
 * session that failed).
 */
export async function requireActiveAccount(pds: PDS, did: string): Promise<DidString> {
  if (!isValidDid(did)) throw new InvalidRequestError(`Not a DID: ${did}`)
  const account = await pds.ctx.accountManager.getAccount(did, {
    includeDeactivated: true,
    includeTakenDown: true,
  })
  if (!account) throw new InvalidRequestError(`No account ${did} here`, 'AccountNotFound')
  if (account.takedownRef !== null) {
    throw new InvalidRequestError(`Account ${did} has been taken down`, 'AccountTakedown')
  }
  if (account.deactivatedAt !== null) {
    throw new InvalidRequestError(`Account ${did} is deactivated`, 'AccountDeactivated')
  }
  return did
}
