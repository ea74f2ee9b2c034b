import { type PDS } from '@atproto/pds'
import { type DidString, type HandleString } from '@atproto/syntax'
import { InvalidRequestError } from '@atproto/xrpc-server'

const EVERYONE = { includeDeactivated: true, includeTakenDown: true } as const

/**
 * Gives an account of this node a handle whose domain the node answers for: first in its identity,
 * then here, and followers are told. Throws `HandleNotAvailable` when another account has it. Doing
 * it again changes nothing.
 */
export async function setHandle(pds: PDS, did: string, handle: string): Promise<void> {
  const { accountManager, plcClient, plcRotationKey } = pds.ctx
  const holder = await accountManager.getAccount(handle as HandleString, EVERYONE)
  if (holder?.did === did) return
  if (holder) throw new InvalidRequestError(`Handle already taken: ${handle}`, 'HandleNotAvailable')
  await plcClient.updateHandle(did, plcRotationKey, handle)
  await accountManager.updateAccountHandle(did as DidString, handle as HandleString)
}
