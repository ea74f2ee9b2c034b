import type { PDS } from '@atproto/pds'

/** How an account of this node stands. */
export type HostedStatus = 'active' | 'deactivated' | 'takendown'

/** The account's status; undefined for one that is not hosted here. */
export async function hostedStatus(pds: PDS, did: string): Promise<HostedStatus | undefined> {
  const hidden = { includeDeactivated: true, includeTakenDown: true }
  const account = await pds.ctx.accountManager.getAccount(did as never, hidden)
  if (!account) return undefined
  if (account.takedownRef !== null) return 'takendown'
  return account.deactivatedAt === null ? 'active' : 'deactivated'
}

/** Signs bytes with the #atproto key of an account hosted here: 64 bytes r || s over their SHA-256,
 *  with a low s. Throws for any other account. */
export function signAs(pds: PDS, did: string): (bytes: Uint8Array) => Promise<Uint8Array> {
  return async (bytes) => {
    const keypair = await pds.ctx.actorStore.keypair(did)
    return keypair.sign(bytes)
  }
}
