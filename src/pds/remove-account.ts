import type { PDS } from '@atproto/pds'
import * as plc from '@did-plc/lib'

/** Takes back an account that the node made: nobody finds it any more, its repo and its identity
 *  are gone, whoever followed it is told. Doing it again changes nothing. */
export async function removeHostedAccount(pds: PDS, did: string): Promise<void> {
  const { accountManager, actorStore, plcClient, plcRotationKey, sequencer } = pds.ctx
  const hidden = { includeDeactivated: true, includeTakenDown: true }
  if (await accountManager.getAccount(did as never, hidden)) {
    await accountManager.deleteAccount(did as never)
    await sequencer.sequenceAccountDeletion(did as never)
  }
  await actorStore.destroy(did as never)
  try {
    await plcClient.tombstone(did, plcRotationKey)
  } catch (error) {
    if (!(error instanceof plc.PlcClientError && [404, 410].includes(error.status))) throw error
  }
}
