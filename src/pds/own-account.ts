import type { PDS } from '@atproto/pds'

/** What the own PDS knows of an account: the key that it signs with, and its handle. */
export type OwnAccount = { signingKey: string; handle?: string; active: boolean }

/** The account as it is here, also when it is deactivated or taken down; undefined when there is
 *  none, or its key is gone. */
export async function ownAccount(pds: PDS, did: string): Promise<OwnAccount | undefined> {
  const { accountManager, actorStore } = pds.ctx
  const hidden = { includeDeactivated: true, includeTakenDown: true }
  const account = await accountManager.getAccount(did as never, hidden)
  if (!account || !(await actorStore.exists(did))) return undefined
  const signingKey = (await actorStore.keypair(did)).did()
  const active = account.deactivatedAt === null && account.takedownRef === null
  return { signingKey, active, ...(account.handle !== null && { handle: account.handle }) }
}
