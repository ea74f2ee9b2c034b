import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { co } from '../lexicons/index.ts'
import { addMethod } from './mount.ts'

/** Mounts a validator's methods on a node that is none: all answer `LedgerUnknown`. */
export function mountNoValidator(server: Server): void {
  const { tokens } = co.kendev
  const answer = (): Promise<never> =>
    Promise.reject(
      new InvalidRequestError(
        'This node validates no ledger. Ask one that the newest epoch of the ledger names.',
        'LedgerUnknown',
      ),
    )
  addMethod(server, tokens.submitTransfer, answer)
  addMethod(server, tokens.submitCertificate, answer)
  addMethod(server, tokens.readCertified, answer)
  addMethod(server, tokens.readAccountState, answer)
  addMethod(server, tokens.readEpochs, answer)
  addMethod(server, tokens.readStateRoot, answer)
  addMethod(server, tokens.closeEpoch, answer)
  addMethod(server, tokens.readSeal, answer)
  addMethod(server, tokens.concludeEpoch, answer)
  addMethod(server, tokens.signEpoch, answer)
  addMethod(server, tokens.enterEpoch, answer)
}
